"""The files of a checkpoint that are opened, their hashes, and weights that are not read."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from suffice.embed.allowed import ADAPTER, TRANSFORMER, Part, parts
from suffice.errors import ModelError
from suffice.storage.files import read_json, sha256_of_file, sha256_of_json

PICKLED_WEIGHTS = (".bin", ".pt", ".pth")
CONFIGURATION = (".json", ".txt", ".model", ".py", ".jinja", ".vocab", ".tiktoken")
OF_MODULES = ("model.safetensors", "pytorch_model.bin")
OF_TRANSFORMERS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
"""Names of weights; the libraries open the first one that exists."""
OF_OTHER_RUNTIMES = (
    *(".onnx", ".onnx_data", ".gguf", ".h5", ".msgpack", ".ckpt", ".ot", ".tflite", ".mlmodel"),
    *(".llamafile", ".npz"),
)
OF_TRAINING = re.compile(r"(training_args|optimizer|scheduler|scaler|rng_state\w*)\.(bin|pt|pth)")
MAX_NAMED = 5  # files in a warning


@dataclass(frozen=True)
class OpenedFiles:
    """The files that loading a checkpoint opens, including those behind links and in hidden folders.

    Attributes:
        folder: the checkpoint.
        configuration: configuration, tokenizers, and the checkpoint's own code if it is trusted.
        weights: weights, with the indices of those in several files.
    """

    folder: Path
    configuration: tuple[Path, ...]
    weights: tuple[Path, ...]

    @property
    def holds_all_weights(self) -> bool:
        """Whether weights exist, with all the files that their index names."""
        return bool(self.weights) and all(file.is_file() for file in self.weights)

    @property
    def pickled(self) -> list[str]:
        """Names of the weights that are pickled."""
        return [self._name(file) for file in self.weights if file.suffix in PICKLED_WEIGHTS]

    def configuration_sha256(self) -> str:
        """Hash of the names and contents of all opened files except weights."""
        return self._sha256(self.configuration)

    def weights_sha256(self) -> str:
        """Hash of the names and contents of the weights.

        Raises:
            ModelError: there are no weights, or a file that an index names is missing.
        """
        missing = [self._name(file) for file in self.weights if not file.is_file()]
        if missing:
            raise ModelError(f"{self.folder} lacks {missing[0]}, which its index names; copy it there")
        if not self.weights:
            raise ModelError(f"{self.folder} has no weights ({' or '.join(OF_TRANSFORMERS)})")
        return self._sha256(self.weights)

    def weight_names(self) -> list[str]:
        """Names of the weights, relative to the checkpoint's folder."""
        return [self._name(file) for file in self.weights]

    def unread(self) -> list[str]:
        """Names of weights and adapters in the checkpoint's folder that are not opened."""
        opened = set(self.weights)
        return sorted(
            self._name(file)
            for file in _files_below(self.folder)
            if file not in opened and _holds_weights(file) and not _is_hidden(file.relative_to(self.folder))
        )

    def _name(self, file: Path) -> str:
        return file.relative_to(self.folder).as_posix()

    def _sha256(self, files: Sequence[Path]) -> str:
        return sha256_of_json({self._name(file): _sha256_in_state(file, _state(file)) for file in files})


def _state(file: Path) -> tuple[int, int, int]:
    """Size and times of a file, which change with its content."""
    stat = file.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


@lru_cache
def _sha256_in_state(file: Path, state: tuple[int, int, int]) -> str:
    """Hash of a file, read once for all models of a checkpoint."""
    return sha256_of_file(file)


def opened_files(folder: Path | str, *, modules: bool, trusted: bool = False) -> OpenedFiles:
    """The files of a checkpoint that are opened.

    Args:
        folder: the checkpoint.
        modules: whether it is read by its modules (modules.json) or as a transformer.
        trusted: whether its own Python files may run; these may open any file, so all files count.

    Raises:
        ModelError: a module is of a type that is not allowed, or a file is damaged.
    """
    folder = Path(folder)
    read = list(parts(folder, modules=modules, trusted=trusted))
    if trusted:
        below = sorted(_files_below(folder))
        weights = [file for file in below if file.suffix in (".safetensors", *PICKLED_WEIGHTS)]
        return OpenedFiles(
            folder, tuple(file for file in below if file.suffix in CONFIGURATION), tuple(weights)
        )
    places = {folder / above for part in read for above in (part.path, *part.path.parents)}
    configuration = (
        file for place in places if place.is_dir() for file in place.iterdir() if _is_configuration(file)
    )
    weights = [file for part in read for file in _weights_of(part)]
    return OpenedFiles(folder, tuple(sorted(configuration)), tuple(sorted(set(weights))))


def unread_warning(opened: OpenedFiles) -> list[str]:
    """A sentence that names the weights of a checkpoint that are not read, if any."""
    unread = opened.unread()
    if not unread:
        return []
    more = f" and {len(unread) - MAX_NAMED} more" if len(unread) > MAX_NAMED else ""
    return [
        f"the checkpoint also has {', '.join(unread[:MAX_NAMED])}{more}, which are not read; "
        f"the vectors come from {', '.join(opened.weight_names()[:MAX_NAMED])}"
    ]


def _weights_of(part: Part) -> Iterator[Path]:
    """The files with the weights of a module, some of which may be missing."""
    names = OF_TRANSFORMERS if part.kind == TRANSFORMER else OF_MODULES
    first = next((file for file in (part.place / name for name in names) if file.is_file()), None)
    if first is not None:
        yield first
        if first.suffix == ".json":
            yield from (first.parent / name for name in sorted(set(read_json(first)["weight_map"].values())))


def _is_configuration(file: Path) -> bool:
    return file.suffix in CONFIGURATION and file.suffix != ".py" and file.is_file()


def _holds_weights(file: Path) -> bool:
    """Whether a file has the name of weights for any runtime, or of an adapter."""
    of_weights = (".safetensors", *PICKLED_WEIGHTS, *OF_OTHER_RUNTIMES)
    is_index = file.name.endswith((".safetensors.index.json", ".bin.index.json"))
    if OF_TRAINING.fullmatch(file.name):
        return False
    return file.suffix.lower() in of_weights or is_index or file.name == ADAPTER


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _files_below(folder: Path) -> Iterator[Path]:
    """All files of a folder and below, through links to folders, each folder once."""
    seen: set[str] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        yield from (file for name in names if (file := Path(place) / name).is_file() or file.is_symlink())
