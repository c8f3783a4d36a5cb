"""Vectors from the user's own function, which runs with all rights of the user."""

import ast
import importlib
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import numpy as np
from pydantic import Field, model_validator

from suffice.data.corpus import Corpus, Window
from suffice.embed.base import ANYTHING, Encoder, Loader
from suffice.embed.batches import BatchRunner
from suffice.embed.own_items import Items, items_of
from suffice.embed.self_check import checked_batches
from suffice.errors import ModelError, first_line
from suffice.settings import Settings
from suffice.storage.files import sha256_of_file, user_path

OWN_NAME = "suffice_own_function"  # name of the module for a file
Function = Callable[[list[Any]], Any]


class CallableSettings(Settings):
    """Settings of kind `callable`."""

    function: str = Field(
        pattern=r"^([A-Za-z_]\w*(\.[A-Za-z_]\w*)*:)?[A-Za-z_]\w*$",
        description="`module:function` of an installed package or, with `path`, the name of a function in "
        "that file. It takes a list of texts (images: of Pillow images in RGB; sounds: of float32 arrays, "
        "one channel at `rate`; vectors: of float32 arrays) and returns an array with one row per item",
    )
    path: str | None = Field(
        None, description="Python file with the function, relative to the study's folder"
    )
    unsafe: bool = Field(
        False, description="must be true: you trust this code, which runs with all your rights"
    )
    rate: int | None = Field(
        None, ge=1_000, le=768_000, description="sounds only: samples per second, by default 16,000"
    )
    batch_size: int = Field(
        64,
        ge=1,
        description="Items in one call; changes no vector, which is checked when the model is opened",
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.path is None and ":" not in self.function:
            raise ValueError("write function as module:function, or name its file in path")
        if self.path is not None and ":" in self.function:
            raise ValueError("with path, write only the name of the function, without a module")
        return self


class OwnFunction(Loader[CallableSettings]):
    """A Python function from texts, images, sounds or vectors to vectors.

    The identity of the vectors is the hash of the function's own source file. Its imports are not followed,
    so if one of them changes, edit the file, such as a version in a comment.
    """

    kind = "callable"
    reads = ANYTHING
    Settings = CallableSettings

    def check(self) -> None:
        """Check that the code is trusted and that its file defines the function, without running it.

        Python imports the packages above a module to find it (`a` for `a.b:function`).
        """
        if not self.settings.unsafe:
            raise ModelError(
                f"{self.settings.function} would run Python code with all your rights; read the code, and "
                "set unsafe to true if you trust it"
            )
        source = self._source()
        try:
            tree = ast.parse(source.read_bytes(), str(source))
        except (OSError, SyntaxError, ValueError) as error:
            raise ModelError(f"{source} cannot be read as Python ({first_line(error)}); correct it") from None
        name = self.settings.function.rpartition(":")[2]
        if name not in top_names(tree):
            raise ModelError(f"{source} defines no {name!r}; correct the setting function")

    def _source(self) -> Path:
        """The file with the function."""
        settings = self.settings
        found = source_of(settings.function) if settings.path is None else user_path(settings.path)
        if found is None or not found.is_file():
            what = f"module of {settings.function}" if settings.path is None else f"file {found}"
            raise ModelError(f"there is no {what}; install the package, or correct path")
        return found

    def identity(self) -> dict[str, Any]:
        """Hash of the function's source file."""
        digest = sha256_of_file(self._source())
        return {"source_sha256": digest} if self.settings.path is None else {"files_sha256": {"path": digest}}

    def open(self, corpus: Corpus) -> Encoder:
        """Import the function."""
        self.check()
        name = self.settings.function.rpartition(":")[2]
        try:
            function = getattr(self._module(), name)
        except Exception as error:  # noqa: BLE001 (the user's code may raise anything)
            raise ModelError(f"{self._source()} cannot be imported ({_said(error)}); correct it") from error
        if not callable(function):
            raise ModelError(f"{name!r} in {self._source()} is not a function; correct the setting function")
        return OwnFunctionEncoder(function, self.settings, items_of(corpus, self.settings.rate))

    def _module(self) -> ModuleType:
        if self.settings.path is None:
            return importlib.import_module(self.settings.function.partition(":")[0])
        spec = importlib.util.spec_from_file_location(OWN_NAME, self._source())
        if spec is None or spec.loader is None:
            raise ModelError(f"{self.settings.path} is not a Python file; its name must end in .py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


def source_of(function: str) -> Path | None:
    """The source file of the module in `module:function`; None if there is no such module."""
    try:
        spec = importlib.util.find_spec(function.partition(":")[0])
    except (ImportError, ValueError):
        return None
    return None if spec is None or not spec.has_location or spec.origin is None else Path(spec.origin)


def top_names(tree: ast.Module) -> set[str]:
    """The names that the top-level statements of a module define, assign or import."""
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {alias.asname or alias.name for alias in node.names}
        else:
            found |= {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    return found


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {first_line(error)}"


class OwnFunctionEncoder(Encoder):
    """A function that was checked to give an item one vector.

    Args:
        function: from a list of items to an array with one row per item.
        settings: its name, and the number of items in one call.
        items: how the items of the corpus are opened.

    Raises:
        ModelError: it fails, returns something else, or its vectors change from call to call.
    """

    def __init__(self, function: Function, settings: CallableSettings, items: Items) -> None:
        self.function, self.settings, self.items = function, settings, items
        self.batches = BatchRunner(settings.batch_size, settings.function)
        self.embed_dim = self.encode_together([items.probes.short]).shape[1]
        self.said = checked_batches(self, items.probes, "float32", settings.function, items.name)
        if self.batches.one_length:
            self.batches.batch_size = 1

    def warnings(self) -> list[str]:
        """Warnings from the check at opening."""
        return self.said

    def encode(self, window: Window) -> np.ndarray:
        """The function's rows, float32, shape (len(window), embed_dim)."""
        size = self.batches.batch_size
        batches = [window.contents[start : start + size] for start in range(0, len(window), size)]
        return np.concatenate([self.encode_together(self.items.opened(batch)) for batch in batches])

    def encode_together(self, items: Sequence[Any]) -> np.ndarray:
        """The result of one call."""
        name, what = self.settings.function, self.items.name
        try:
            rows = np.asarray(self.function(list(items)))
        except Exception as error:
            raise ModelError(f"{name} failed on {len(items)} {what} ({_said(error)})") from error
        if rows.ndim != 2 or len(rows) != len(items) or rows.dtype.kind not in "fiu":
            raise ModelError(
                f"{name} returned an array of shape {rows.shape} and type {rows.dtype} for {len(items)} "
                f"{what}; it must return one row of numbers per item"
            )
        with np.errstate(over="ignore"):  # values that are too large become infinite, and are found later
            return rows.astype(np.float32)
