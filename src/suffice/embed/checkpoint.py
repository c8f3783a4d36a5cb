"""Checkpoints of neural models: their place and hashes, and how they are loaded and run."""

import importlib.util
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np
from pydantic import Field

from suffice.embed.allowed import LIBRARY, MODULES, check_allowed, route_names
from suffice.embed.base import Loader
from suffice.embed.opened import CONFIGURATION, PICKLED_WEIGHTS, OpenedFiles, opened_files, unread_warning
from suffice.embed.roles import OwnTreatment, RoleSettings
from suffice.errors import ModelError, NotFetchedError, first_line, is_out_of_memory
from suffice.settings import Settings
from suffice.storage.files import read_json, sha256_of_file, user_path

PACKAGE_PREFIX = "package:"
HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
COMMIT = re.compile("[0-9a-f]{40}")


class WeightsSettings(Settings):
    """Settings that all kinds with a neural checkpoint share."""

    checkpoint: str = Field(
        description="`package:NAME/folder` inside an installed Python package, a local folder, or a hub name"
    )
    revision: str | None = Field(None, description="Commit, tag or branch; for hub names only")
    dtype: Literal["float32", "float16", "bfloat16"] = Field(
        "float32", description="Precision of the computation; the vectors are stored as float32"
    )
    batch_size: int = Field(
        32, ge=1, description="Items per batch; it does not change vectors, which is checked at opening"
    )
    normalize: bool = Field(False, description="Divide each vector by its Euclidean norm at the end")
    sha256: str | None = Field(
        None,
        pattern="^[0-9a-f]{64}$",
        description="SHA-256 that the checkpoint's model.safetensors must have",
    )


class CheckpointSettings(WeightsSettings, RoleSettings):
    """Settings that all kinds with a neural checkpoint for texts share."""

    trust_remote_code: bool = Field(False, description="Allow Python code that comes with the checkpoint")


def resolve_checkpoint(checkpoint: str, base: Path) -> str:
    """The absolute path of a local checkpoint, or the unchanged hub name.

    Args:
        checkpoint: `package:NAME` or `package:NAME/sub/folder` (located without importing the package),
            a path, absolute or relative to `base`, or a hub name such as "owner/name".
        base: folder that relative paths start from.

    Raises:
        ModelError: the package or the path does not exist, or the text has none of the three forms.
    """
    if checkpoint.startswith(PACKAGE_PREFIX):
        return str(_inside_package(checkpoint))
    path = user_path(checkpoint, base).absolute()
    if path.exists():
        return str(path)
    if HUB_NAME.fullmatch(checkpoint) and not checkpoint.endswith(PICKLED_WEIGHTS + CONFIGURATION):
        return checkpoint
    raise ModelError(
        f"checkpoint {checkpoint!r} is not a hub name (owner/name), and {path} does not exist; correct it"
    )


def _inside_package(checkpoint: str) -> Path:
    name, _, inside = checkpoint.removeprefix(PACKAGE_PREFIX).partition("/")
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(f"checkpoint {checkpoint!r}: no Python package {name!r} is installed; install it")
    candidates = [Path(folder) / inside for folder in spec.submodule_search_locations]
    for candidate in candidates:
        if candidate.exists():
            return candidate.absolute()
    raise ModelError(
        f"checkpoint {checkpoint!r}: the package is installed but {candidates[0]} does not exist"
    )


def is_local(location: str) -> bool:
    """Whether the result of `resolve_checkpoint` is a path rather than a hub name."""
    return Path(location).is_absolute()


def check_checkpoint(
    checkpoint: str, base: Path, *, marker: str = "config.json", revision: str | None = None
) -> None:
    """Raise ModelError if a check without network shows that `checkpoint` cannot be loaded.

    Args:
        checkpoint: as for `resolve_checkpoint`.
        base: folder that relative paths start from.
        marker: the file that a checkpoint of this kind must have.
        revision: commit, tag or branch of a hub name.

    Raises:
        ModelError: a local folder lacks `marker` or has a revision, or a hub name is not in the local cache.
    """
    location = resolve_checkpoint(checkpoint, base)
    if not is_local(location):
        if cached_file(location, marker, revision) is None:
            raise NotFetchedError(_not_cached(location, revision))
        return
    if revision is not None:
        raise ModelError(f"revision {revision!r} is for hub names, but {checkpoint!r} is local; remove it")
    if not (Path(location) / marker).is_file():
        raise ModelError(f"{location} has no {marker}, so it is not a checkpoint of this kind of model")


def _not_cached(name: str, revision: str | None) -> str:
    option = f" --revision {revision}" if revision else ""
    which = f" of revision {revision}" if revision else ""
    return (
        f"{name!r} is not a local folder, and this checkpoint{which} is not in the local cache; "
        "run `make fetch STUDY=...` on a machine with network and the same cache, "
        f"or `hf download {name}{option}`, or give the path of a local copy"
    )


def cached_file(name: str, filename: str, revision: str | None = None) -> Path | None:
    """Path of one file of a hub checkpoint in the local cache; None if it is missing. Uses no network."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(name, filename, revision=revision)
    return Path(found) if isinstance(found, str) else None


def snapshot(name: str, marker: str, revision: str | None = None) -> Path:
    """Folder of a hub checkpoint in the local cache, named by the commit of `revision`. Uses no network.

    Raises:
        ModelError: it is not in the cache.
    """
    path = cached_file(name, marker, revision)
    if path is None:
        raise NotFetchedError(_not_cached(name, revision))
    return path.parents[len(Path(marker).parts) - 1]


def check_sha256(file: Path | None, expected: str, checkpoint: str) -> None:
    """Compare the hash of a checkpoint's model.safetensors with the one a study expects.

    Raises:
        ModelError: the file is missing or has another hash; both hashes are named.
    """
    if file is None or not file.is_file():
        raise ModelError(f"{checkpoint} has no model.safetensors to compare with sha256 {expected}")
    actual = sha256_of_file(file)
    if actual != expected:
        raise ModelError(
            f"model.safetensors of {checkpoint} has SHA-256 {actual}, but the setting sha256 is {expected}; "
            "it is a different checkpoint, or it is damaged"
        )


W = TypeVar("W", bound=WeightsSettings)
C = TypeVar("C", bound=CheckpointSettings)


class WeightsLoader(Loader[W]):
    """A loader of neural checkpoints; `marker` is the file that such a checkpoint must have."""

    marker: ClassVar[str] = "config.json"
    uses_device = True

    @property
    def trusted(self) -> bool:
        """Whether Python code that comes with the checkpoint may run."""
        return False

    @property
    def location(self) -> str:
        """Absolute path or hub name of the checkpoint; relative paths start from the working directory."""
        return resolve_checkpoint(self.settings.checkpoint, Path())

    @property
    def folder(self) -> Path:
        """The folder of the checkpoint's files: a local folder, or that of a commit in the hub's cache."""
        location = self.location
        if is_local(location):
            return Path(location)
        return snapshot(location, self.marker, self.settings.revision)

    def check(self) -> None:
        """Check the installed packages, and the checkpoint's place, files and hash, without network."""
        if importlib.util.find_spec("transformers") is None:
            raise ModelError(f"models of kind {self.kind} need `pip install 'suffice[text]'`")
        settings = self.settings
        self._refuse_changing_code()
        check_checkpoint(settings.checkpoint, Path(), marker=self.marker, revision=settings.revision)
        if not is_local(self.location) and self.reads_weights and not self.opened.holds_all_weights:
            raise ModelError(f"the cache has only a part: {_not_cached(self.location, settings.revision)}")
        self.checked_folder()

    def checked_folder(self) -> Path:
        """The folder, after a check of the content of its files and of the expected hash; see `allowed`."""
        folder = self.folder
        check_allowed(folder, modules=self.has_modules, trusted=self.trusted)
        self.check_weights()
        return folder

    @property
    def has_modules(self) -> bool:
        """Whether the checkpoint is read by its list of modules."""
        return self.marker == MODULES

    def _refuse_changing_code(self) -> None:
        """Check that code from a hub checkpoint belongs to one commit."""
        settings = self.settings
        if self.trusted and not is_local(self.location):
            if not COMMIT.fullmatch(settings.revision or ""):
                raise ModelError(
                    f"trust_remote_code runs code of {self.location!r}, but revision {settings.revision!r} "
                    "may change; read the code of a commit, and set revision to its full hash"
                )

    @property
    def reads_weights(self) -> bool:
        """Whether the checkpoint's weights are used, and not only its architecture."""
        return True

    @property
    def opened(self) -> OpenedFiles:
        """The checkpoint's files that are opened."""
        return opened_files(self.folder, modules=self.has_modules, trusted=self.trusted)

    def uses_safetensors(self) -> bool:
        """Whether the weights that are opened are safetensors, which are then the only ones that are read."""
        return any(".safetensors" in file.suffixes for file in self.opened.weights)

    def warnings(self) -> list[str]:
        """Weights that are pickled, and weights that are not read."""
        if not self.reads_weights:
            return []
        opened, names = self.opened, ", ".join(self.opened.pickled)
        pickled = [f"the weights are pickled ({names}), and only numbers are read from them"] if names else []
        return pickled + unread_warning(opened)

    def fetch(self) -> str | None:
        """Download a hub checkpoint: configuration, tokenizer and weights."""
        if is_local(self.location):
            return None
        from suffice.embed.hub import fetch_checkpoint

        self._refuse_changing_code()
        said = fetch_checkpoint(
            self.location,
            self.settings.revision,
            modules=self.has_modules,
            trusted=self.trusted,
        )
        self.check_weights()
        return said

    def check_weights(self) -> None:
        """Raise ModelError if model.safetensors is not the file that the setting `sha256` names."""
        if self.settings.sha256 is not None:
            check_sha256(self.file("model.safetensors"), self.settings.sha256, self.settings.checkpoint)

    def file(self, name: str) -> Path | None:
        """Path of one of the checkpoint's files, local or in the cache; None if it is missing."""
        if is_local(self.location):
            path = Path(self.location) / name
            return path if path.is_file() else None
        return cached_file(self.location, name, self.settings.revision)

    def read_config(self, name: str) -> dict[str, Any]:
        """The content of one of the checkpoint's JSON files; empty if it is missing."""
        file = self.file(name)
        content = read_json(file) if file else {}
        return content if isinstance(content, dict) else {}

    def identity(self) -> dict[str, Any]:
        """Hashes of the files of a local checkpoint that are opened (its path does not count).

        For a hub checkpoint, the commit and the weights that are opened.
        """
        if not is_local(self.location):
            return {"commit": self.folder.name, "weights": self.opened.weight_names()}
        opened = self.opened
        return {
            "files_sha256": {"checkpoint": opened.configuration_sha256()},
            "weights_sha256": opened.weights_sha256(),
        }


class CheckpointLoader(WeightsLoader[C]):
    """A loader of neural checkpoints for texts, which may treat queries and documents differently."""

    @property
    def trusted(self) -> bool:
        """As the settings say."""
        return self.settings.trust_remote_code

    @property
    def own_treatment(self) -> OwnTreatment:
        """The checkpoint's own treatment of queries and documents."""
        prompts = self.read_config(LIBRARY).get("prompts")
        routes = route_names(self.folder) if self.has_modules else []
        return OwnTreatment.of(prompts if isinstance(prompts, dict) else {}, routes)

    def check_roles(self, column: str) -> None:
        """Refuse one treatment for queries and documents where the checkpoint has two."""
        self.own_treatment.check(self.settings, column, self.settings.checkpoint)

    def warnings(self) -> list[str]:
        """Also prompts that are asked for in vain."""
        return super().warnings() + self.own_treatment.warnings(self.settings)


@contextmanager
def quiet() -> Iterator[list[str]]:
    """Keep transformers, sentence-transformers and their progress bars silent inside the block.

    Yields:
        A list that collects the warnings that would have been printed. All logging settings are restored when
        the block ends.
    """
    collected: list[str] = []
    handler = _Collector(collected)
    loggers = [logging.getLogger(name) for name in ("transformers", "sentence_transformers")]
    states = [(logger, logger.handlers[:], logger.propagate, logger.level) for logger in loggers]
    with _no_progress_bars():
        try:
            for logger in loggers:
                logger.handlers, logger.propagate = [handler], False
                logger.setLevel(logging.WARNING)
            yield collected
        finally:
            for logger, handlers, propagate, level in states:
                logger.handlers, logger.propagate = handlers, propagate
                logger.setLevel(level)


class _Collector(logging.Handler):
    def __init__(self, messages: list[str]) -> None:
        super().__init__()
        self.messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars
    from transformers.utils import logging as transformers_logging

    shown, hub_hidden = transformers_logging.is_progress_bar_enabled(), are_progress_bars_disabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()
            if hub_hidden:
                disable_progress_bars()


@contextmanager
def load_errors(checkpoint: str) -> Iterator[None]:
    """Turn errors from loading into a ModelError that names the checkpoint."""
    from safetensors import SafetensorError

    expected = (OSError, ValueError, RuntimeError, KeyError, ImportError, AttributeError, SafetensorError)
    try:
        yield
    except ModelError:
        raise
    except UnpicklingError:  # the library's own text advises running the code
        raise ModelError(
            f"checkpoint {checkpoint!r}: its pickled weights contain more than numbers, or are damaged, and "
            "are not read; use a checkpoint with safetensors, or convert it where its code may run"
        ) from None
    except expected as error:
        reason = f"{type(error).__name__}: {error}".strip().splitlines()[0]
        raise ModelError(f"checkpoint {checkpoint!r} cannot be loaded ({reason})") from error


def refuse_missing_weights(missing: Sequence[str], checkpoint: str) -> None:
    """Raise ModelError if the checkpoint lacks parameters that the vectors depend on.

    The libraries fill such gaps with random numbers and continue. No kind here uses a pooler.
    """
    missing = sorted(name for name in missing if "pooler" not in name)
    if missing:
        raise ModelError(
            f"checkpoint {checkpoint!r} lacks {len(missing)} parameters of its own architecture, such as "
            f"{missing[0]}; they would be random numbers. The weights belong to a different architecture"
        )


def torch_device(device: str) -> Any:
    """The torch device of that name.

    Raises:
        ModelError: torch does not know it, or it is not on this machine.
    """
    import torch

    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ModelError(f"device {device!r} cannot be used ({first_line(error)}); use cpu") from error
    return torch.device(device)


class BatchRunner:
    """Runs items in batches of similar length, longest first, and returns vectors in the order of the items.

    With `one_length` set, a batch has items of one length only, so no item is padded.

    If the device or the machine is short of memory, the batch is halved for this and all later calls.

    Args:
        batch_size: initial number of items per batch.
        model: name of the model in errors.
    """

    def __init__(self, batch_size: int, model: str) -> None:
        self.model = model
        self.asked = self.batch_size = batch_size
        self.one_length = False

    def warnings(self) -> list[str]:
        """A warning if batches had to be smaller than requested."""
        if self.batch_size == self.asked:
            return []
        return [f"memory was short: batches had {self.batch_size} items instead of {self.asked}"]

    def run(self, encode: Callable[[np.ndarray], np.ndarray], lengths: Sequence[int]) -> np.ndarray:
        """Vectors of all items.

        Args:
            encode: from positions of items, shape (n,), to their vectors, shape (n, embed_dim).
            lengths: length of each item, to sort by; at least one item.

        Returns:
            float32, shape (len(lengths), embed_dim).

        Raises:
            ModelError: a single item does not fit into memory.
        """
        order = np.argsort(-np.asarray(lengths), kind="stable")
        parts: list[np.ndarray] = []
        start = 0
        while start < len(order):
            batch = self._batch(order[start : start + self.batch_size], lengths)
            part = self._attempt(encode, batch, lengths)
            if part is not None:
                parts.append(part)
                start += len(batch)
        vectors = np.concatenate(parts)
        in_order = np.empty_like(vectors, dtype=np.float32)
        in_order[order] = vectors
        return in_order

    def _batch(self, items: np.ndarray, lengths: Sequence[int]) -> np.ndarray:
        """The leading items that can be encoded together."""
        if not self.one_length:
            return items
        return items[: sum(lengths[item] == lengths[items[0]] for item in items)]

    def _attempt(
        self, encode: Callable[[np.ndarray], np.ndarray], batch: np.ndarray, lengths: Sequence[int]
    ) -> np.ndarray | None:
        """The vectors of one batch, or None after the batch size was halved because memory was short."""
        import torch

        try:
            return encode(batch)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            if len(batch) == 1:
                raise ModelError(
                    f"{self.model}: out of memory at batch size 1, with a single item of length "
                    f"{lengths[batch[0]]}; lower the maximum length, use dtype float16 or bfloat16 if the "
                    "model has these settings, or use another device"
                ) from error
        self.batch_size = len(batch) // 2
        torch.cuda.empty_cache()
        return None
