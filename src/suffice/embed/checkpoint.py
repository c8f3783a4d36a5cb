"""Loaders of neural checkpoints: their settings, checks, downloads and identity."""

import importlib.util
import re
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import Field

from suffice.embed.allowed import LIBRARY, MODULES, check_allowed, route_names
from suffice.embed.base import Loader
from suffice.embed.checkpoint_places import (
    cached_file,
    check_checkpoint,
    check_sha256,
    is_local,
    not_cached,
    resolve_checkpoint,
    snapshot,
)
from suffice.embed.opened import OpenedFiles, opened_files, unread_warning
from suffice.embed.roles import OwnTreatment, RoleSettings
from suffice.errors import ModelError
from suffice.settings import Settings
from suffice.storage.files import read_json

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
            raise ModelError(f"the cache has only a part: {not_cached(self.location, settings.revision)}")
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
