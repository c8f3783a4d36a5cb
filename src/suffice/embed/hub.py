"""Fetching checkpoints from the hub: the files that a loader reads, and no other format of the weights."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from suffice.errors import ModelError
from suffice.fetch import is_offline

SAFE, PICKLED = (".safetensors",), (".bin", ".pt", ".pth")
READ_BESIDE = (".json", ".txt", ".model", ".py", ".jinja", ".vocab", ".tiktoken")
OTHER_RUNTIMES = ("onnx", "openvino", "coreml", "tensorrt", "gguf")


def needed_files(names: Iterable[str]) -> list[str]:
    """Which files of a hub checkpoint are read: configuration, tokenizer, code, and weights in one format.

    Weights are safetensors where a folder has any, else pickled ones. Folders of other runtimes are left out.
    """
    paths = [PurePosixPath(name) for name in names]
    kept = [path for path in paths if not set(OTHER_RUNTIMES) & set(path.parts) and path.name[0] != "."]
    with_safe = {path.parent for path in kept if path.suffix in SAFE}
    weights = {path for path in kept if path.suffix in SAFE}
    weights |= {path for path in kept if path.suffix in PICKLED and path.parent not in with_safe}
    return [str(path) for path in kept if path in weights or path.suffix in READ_BESIDE]


def fetch_checkpoint(name: str, revision: str | None) -> str:
    """Bring a hub checkpoint into the local cache; says which commit, how many files and bytes.

    Raises:
        ModelError: it cannot be reached, there is no such checkpoint or revision, or it has no weights.
    """
    from huggingface_hub import HfApi, hf_hub_download
    from huggingface_hub.constants import ENDPOINT, HF_HUB_ETAG_TIMEOUT

    if is_offline():
        raise ModelError(f"{name}: downloads are switched off; unset HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE")
    try:
        info = HfApi().model_info(name, revision=revision, timeout=HF_HUB_ETAG_TIMEOUT)
        files = needed_files(file.rfilename for file in info.siblings or [])
        if not any(file.endswith((*SAFE, *PICKLED)) for file in files):
            raise ModelError(f"{name} has no weights (.safetensors or .bin) on the hub; check the name")
        paths = [Path(hf_hub_download(name, file, revision=revision or "main")) for file in files]
    except ModelError:
        raise
    except Exception as error:  # noqa: BLE001 (the client raises those of its HTTP library, too)
        reason = " ".join(str(error).split())[:200] + _limits(error)
        raise ModelError(
            f"{name} cannot be fetched from {ENDPOINT} ({type(error).__name__}: {reason})"
        ) from error
    megabytes = sum(path.stat().st_size for path in paths) / 1e6
    return f"{name} at commit {info.sha}: {len(files)} files, {megabytes:,.1f} MB"


def _limits(error: BaseException | None) -> str:
    """How long the hub was waited for, if an error or one behind it says that this was too long."""
    from huggingface_hub.constants import HF_HUB_DOWNLOAD_TIMEOUT, HF_HUB_ETAG_TIMEOUT

    while error is not None:
        if "Timeout" in type(error).__name__:
            return (
                f"; limits: HF_HUB_ETAG_TIMEOUT={HF_HUB_ETAG_TIMEOUT} s for an answer, "
                f"HF_HUB_DOWNLOAD_TIMEOUT={HF_HUB_DOWNLOAD_TIMEOUT} s for the next part of a file"
            )
        error = error.__cause__ or error.__context__
    return ""
