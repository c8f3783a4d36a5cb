"""ONNX graphs in a checkpoint: which file is read, where it is computed, and its inner layers."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field

from suffice.embed.plain_checkpoint import PlainCheckpointLoader, PlainSettings
from suffice.errors import ModelError, first_line
from suffice.storage.files import sha256_of_file

GRAPHS = ("onnx/model.onnx", "model.onnx", "model_optimized.onnx", "model_quantized.onnx", "model_int8.onnx")
CPU = "CPUExecutionProvider"
PROVIDERS = {"cpu": CPU, "cuda": "CUDAExecutionProvider"}


class GraphSettings(PlainSettings):
    """Settings of all kinds with an ONNX graph."""

    onnx_file: str | None = Field(
        None,
        description="The ONNX file in the folder, such as onnx/model_int8.onnx; by default the first of "
        "onnx/model.onnx, model.onnx, model_optimized.onnx, model_quantized.onnx and model_int8.onnx",
    )
    sha256: str | None = Field(
        None, pattern="^[0-9a-f]{64}$", description="SHA-256 that the ONNX file must have"
    )
    provider: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="Where to compute; auto: on the study's device (cuda needs onnxruntime-gpu)"
    )


G = TypeVar("G", bound=GraphSettings)


class GraphLoader(PlainCheckpointLoader[G]):
    """A loader of an ONNX graph, which is the first of the files that it reads."""

    uses_device = True
    extra = "onnx"

    def graph_among(self, names: Sequence[str]) -> list[str]:
        """The name of the ONNX file, and those of the weights beside it.

        Raises:
            ModelError: the folder has no ONNX file, or several and the setting onnx_file does not choose.
        """
        found = [name for name in names if name.endswith(".onnx")]
        wanted = self.settings.onnx_file
        candidates = GRAPHS if wanted is None else (wanted,)
        graph = next((name for name in candidates if name in found), None)
        if graph is None and wanted is None and len(found) == 1:
            graph = found[0]
        if graph is None:
            held = f"it has {', '.join(found)}: name one in onnx_file" if found else "it has no .onnx file"
            raise ModelError(f"{self.settings.checkpoint!r}: no {' or '.join(candidates)}; {held}")
        return [graph, *(each for each in names if each.startswith((f"{graph}_data", f"{graph}.data")))]

    def check(self) -> None:
        """Check packages, files, the expected hash, and the provider."""
        super().check()
        graph, expected = next(iter(self.files().values())), self.settings.sha256
        if expected is not None and sha256_of_file(graph) != expected:
            raise ModelError(
                f"{graph} has SHA-256 {sha256_of_file(graph)}, but the setting sha256 is {expected}; "
                "it is a different checkpoint, or damaged"
            )
        self.provider()

    def provider(self) -> str:
        """The provider of onnxruntime for the computation."""
        import onnxruntime

        asked = self.settings.provider if self.settings.provider != "auto" else self.device.split(":")[0]
        there = onnxruntime.get_available_providers()
        if asked not in PROVIDERS or PROVIDERS[asked] not in there:
            raise ModelError(
                f"this onnxruntime does not compute on {asked!r} (it has {', '.join(there)}); set "
                "provider to cpu, or install onnxruntime-gpu for cuda"
            )
        return PROVIDERS[asked]


def load_session(graph: Path | bytes, provider: str, name: str | None = None) -> Any:
    """The loaded graph, on as many threads as the job has.

    Args:
        graph: its file or its bytes.
        provider: of onnxruntime.
        name: of the graph in errors; by default its file.

    Raises:
        ModelError: it cannot be loaded, or not by this provider.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS") or 0)
    options.log_severity_level = 4  # errors come as exceptions
    providers = list(dict.fromkeys([provider, CPU]))
    given = graph if isinstance(graph, bytes) else str(graph)
    try:
        session = onnxruntime.InferenceSession(given, options, providers=providers)
    except Exception as error:  # noqa: BLE001 (the library's errors have no common base)
        raise unreadable(name or str(graph), error) from None
    if session.get_providers()[0] != provider:
        raise ModelError(f"{name or str(graph)} does not run by {provider}; set provider to cpu")
    return session


def unreadable(graph: Path | str, error: Exception) -> ModelError:
    """The error for a graph that cannot be loaded."""
    return ModelError(f"{graph} cannot be loaded ({first_line(error)}); fetch or export it again")
