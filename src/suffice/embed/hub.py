"""Downloading checkpoints from the hub: the files that a loader reads, and no other format of the weights."""

from collections.abc import Callable, Iterable, Set
from pathlib import Path, PurePosixPath

from suffice.embed.allowed import (
    ADAPTER,
    LIBRARY,
    MODULE_FILES,
    MODULES,
    ROUTER,
    TRANSFORMER_FILE,
    TRANSFORMERS_FILES,
    check_allowed,
    parts,
)
from suffice.embed.opened import CONFIGURATION, PICKLED_WEIGHTS
from suffice.errors import ModelError, SufficeError
from suffice.storage.fetch import is_offline
from suffice.storage.files import whole_file

SAFE = (".safetensors",)
OTHER_RUNTIMES = ("onnx", "openvino", "coreml", "tensorrt", "gguf")


def needed_files(names: Iterable[str]) -> list[str]:
    """Which files of a hub checkpoint are read: configuration, tokenizer, code, and weights in one format.

    Weights are safetensors if a folder has any, otherwise pickled. Folders of other runtimes are left out.
    """
    paths = [PurePosixPath(name) for name in names]
    kept = [path for path in paths if not set(OTHER_RUNTIMES) & set(path.parts) and path.name[0] != "."]
    with_safe = {path.parent for path in kept if path.suffix in SAFE}
    weights = {path for path in kept if path.suffix in SAFE}
    weights |= {path for path in kept if path.suffix in PICKLED_WEIGHTS and path.parent not in with_safe}
    return [str(path) for path in kept if path in weights or path.suffix in CONFIGURATION]


def configuration_files(names: Iterable[str]) -> list[str]:
    """Which files of a hub checkpoint define its parts; they are downloaded and checked first."""
    of_modules = {each.name for each in MODULE_FILES.values()}
    known = {MODULES, ROUTER, LIBRARY, ADAPTER, *TRANSFORMERS_FILES, *of_modules}
    return [
        name
        for name in names
        if (last := PurePosixPath(name).name) in known
        or TRANSFORMER_FILE.fullmatch(last)
        or last.endswith(".index.json")
    ]


def fetch_checkpoint(name: str, revision: str | None, *, modules: bool, trusted: bool) -> str:
    """Download a hub checkpoint into the local cache; returns its commit, number of files and bytes.

    All files belong to one commit. Weights and other files are downloaded only if the checkpoint's
    configuration is allowed, and only for the parts that are read.

    Args:
        name: its name on the hub.
        revision: commit, tag or branch; the main branch by default.
        modules: whether it is read by its modules (modules.json) or as a transformer.
        trusted: whether its own Python files may run; otherwise they are not downloaded.

    Raises:
        ModelError: it cannot be reached, the checkpoint or revision does not exist, it has no weights, or its
            files have content that is not allowed.
    """
    return _fetch(
        name,
        revision,
        lambda commit, names: _fetch_files(name, commit, names, modules=modules, trusted=trusted),
    )


def fetch_files(name: str, revision: str | None, needed: Callable[[Iterable[str]], list[str]]) -> str:
    """Bring some files of a hub checkpoint into the local cache; says which commit, how many files and bytes.

    Args:
        name: its name on the hub.
        revision: commit, tag or branch; the main branch by default.
        needed: which of all its files are fetched.

    Raises:
        ModelError: it cannot be reached, there is no such checkpoint or revision, or a file is missing.
    """
    from huggingface_hub import hf_hub_download

    return _fetch(
        name,
        revision,
        lambda commit, names: [Path(hf_hub_download(name, file, revision=commit)) for file in needed(names)],
    )


def _fetch(name: str, revision: str | None, get: Callable[[str, list[str]], list[Path]]) -> str:
    """Find the commit and its files, and get those that are wanted."""
    from huggingface_hub import HfApi
    from huggingface_hub.constants import ENDPOINT, HF_HUB_ETAG_TIMEOUT

    if is_offline():
        raise ModelError(f"{name}: downloads are switched off; unset HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE")
    try:
        info = HfApi().model_info(name, revision=revision, timeout=HF_HUB_ETAG_TIMEOUT)
        commit, names = str(info.sha), _inside([file.rfilename for file in info.siblings or []])
        _name_commit(name, revision or "main", commit)
        files = get(commit, names)
    except SufficeError:
        raise
    except Exception as error:  # noqa: BLE001 (the client raises those of its HTTP library, too)
        reason = " ".join(str(error).split())[:200] + _limits(error)
        raise ModelError(
            f"{name} cannot be downloaded from {ENDPOINT} ({type(error).__name__}: {reason})"
        ) from error
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    return f"{name} at commit {commit}: {len(files)} files, {megabytes:,.1f} MB"


def _fetch_files(name: str, commit: str, names: list[str], *, modules: bool, trusted: bool) -> list[Path]:
    """Download the configuration, check it, and download what it needs."""
    from huggingface_hub import hf_hub_download

    marker = MODULES if modules else "config.json"
    if marker not in names:
        raise ModelError(
            f"{name} has no {marker} on the hub, so it is not a checkpoint of this kind of model"
        )
    found = {file: Path(hf_hub_download(name, file, revision=commit)) for file in configuration_files(names)}
    folder = found[marker].parent
    check_allowed(folder, modules=modules, trusted=trusted)
    read = {part.path for part in parts(folder, modules=modules, trusted=trusted)}
    wanted = [file for file in needed_files(names) if _is_read(PurePosixPath(file), read, trusted)]
    if not any(file.endswith((*SAFE, *PICKLED_WEIGHTS)) for file in wanted):
        raise ModelError(f"{name} has no weights (.safetensors or .bin) on the hub; check the name")
    found |= {file: Path(hf_hub_download(name, file, revision=commit)) for file in wanted}
    return list(found.values())


def _inside(names: list[str]) -> list[str]:
    """The names of files inside their repository."""
    paths = {name: PurePosixPath(name) for name in names}
    return [name for name, path in paths.items() if not path.is_absolute() and ".." not in path.parts]


def _is_read(file: PurePosixPath, folders: Set[PurePosixPath], trusted: bool) -> bool:
    return trusted if file.suffix == ".py" else file.parent in folders


def _name_commit(name: str, revision: str, commit: str) -> None:
    """Record in the cache the commit of a branch or tag, as the hub's own library does."""
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    if revision != commit:
        folder = repo_folder_name(repo_id=name, repo_type="model")
        with whole_file(Path(constants.HF_HUB_CACHE) / folder / "refs" / revision) as path:
            path.write_text(commit)


def _limits(error: BaseException | None) -> str:
    """The time limits of the hub, if an error or its cause is a timeout."""
    from huggingface_hub.constants import HF_HUB_DOWNLOAD_TIMEOUT, HF_HUB_ETAG_TIMEOUT

    while error is not None:
        if "Timeout" in type(error).__name__:
            return (
                f"; limits: HF_HUB_ETAG_TIMEOUT={HF_HUB_ETAG_TIMEOUT} s for an answer, "
                f"HF_HUB_DOWNLOAD_TIMEOUT={HF_HUB_DOWNLOAD_TIMEOUT} s for the next part of a file"
            )
        error = error.__cause__ or error.__context__
    return ""
