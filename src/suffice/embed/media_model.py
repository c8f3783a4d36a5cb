"""How a checkpoint that encodes images or sounds is checked, loaded and run."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, Self, TypeVar

import numpy as np
from pydantic import Field, model_validator

from suffice.data.corpus import Corpus, Window
from suffice.data.media_files import MediaFiles
from suffice.embed.base import Encoder
from suffice.embed.batches import BatchRunner
from suffice.embed.checkpoint import WeightsLoader, WeightsSettings
from suffice.embed.checkpoint_places import is_local
from suffice.embed.loading import load_errors, quiet, refuse_missing_weights, torch_device
from suffice.embed.self_check import Probes, checked_batches
from suffice.errors import ModelError, SufficeError, first_line, is_out_of_memory
from suffice.storage.fetch import without_network

PROCESSOR = "preprocessor_config.json"
BATCHES_AT_ONCE = 4  # batches whose items are in memory together
CLASS_TOKENS = ("cls_token", "class_embedding")  # names of its weights in the library's models
MAP_DIMS = 4  # of a feature map: items, channels, height, width


class MediaModelSettings(WeightsSettings):
    """Settings of all encoders of files."""

    layer: int = Field(
        -1,
        description="Index of the hidden state: 0 comes before the first layer, and -1 is the model's "
        "`last_hidden_state`",
    )
    pooling: Literal["mean", "cls", "pooler"] = Field(
        "mean",
        description="Mean over all tokens of an image or over the time of a sound, without padding, or over "
        "all positions of a feature map; first token (cls); or the model's own pooler",
    )
    random_init: bool = Field(
        False, description="Seeded random weights in the same architecture, as a control"
    )

    @model_validator(mode="after")
    def _settings_go_together(self) -> Self:
        if self.pooling == "pooler" and self.layer != -1:
            raise ValueError(
                "the pooler reads the last layer; leave layer out, or set pooling to mean or cls"
            )
        if self.random_init and self.sha256 is not None:
            raise ValueError("sha256 names the trained weights, which random_init does not use; remove one")
        return self


S = TypeVar("S", bound=MediaModelSettings)


class MediaModel(WeightsLoader[S], Generic[S]):
    """An encoder of files by the transformers library, with the preprocessing that its checkpoint names.

    Weights are read from safetensors only, and no code that comes with a checkpoint runs.

    Class attributes: `files`, how the items are opened; `tower`, the part of a model that reads them where it
    has another one for texts.
    """

    files: ClassVar[type[MediaFiles[Any]]]
    tower: ClassVar[str]

    @property
    def reads_weights(self) -> bool:
        """Random weights need only the architecture."""
        return not self.settings.random_init

    def check(self) -> None:
        """Also check that the checkpoint says how items are prepared, and has safetensors."""
        super().check()
        self.check_files()

    def check_files(self) -> None:
        """Raise ModelError for a file that is missing, or that vectors cannot be computed with."""
        checkpoint, items = self.settings.checkpoint, self.files.items
        if self.file(PROCESSOR) is None:
            raise ModelError(
                f"checkpoint {checkpoint!r} has no {PROCESSOR}, which says how {items} are prepared; copy "
                "the file of its processor there"
            )
        if self.reads_weights and not self.uses_safetensors():
            raise ModelError(
                f"checkpoint {checkpoint!r} has no weights as safetensors, and pickled ones are not read for "
                f"{items}; save it with `save_pretrained`"
            )

    @property
    def is_random(self) -> bool:
        """Whether the weights are untrained."""
        return not self.reads_weights

    def identity(self) -> dict[str, Any]:
        """As for any checkpoint, but of random weights the configuration alone."""
        if self.is_random and is_local(self.location):
            return {"files_sha256": {"checkpoint": self.opened.configuration_sha256()}}
        return super().identity()

    def open(self, corpus: Corpus) -> Encoder:
        """Load the processor and the encoder.

        Raises:
            ModelError: the checkpoint cannot be loaded, has no such layer, or fails the check of its vectors.
            DataError: the corpus has other items.
        """
        settings, device = self.settings, torch_device(self.device)
        folder = self.checked_folder()
        self.check_files()
        with quiet(), without_network(), load_errors(settings.checkpoint):
            processor, model = self.load_processor(folder), self._load_model(folder)
        model.eval().requires_grad_(False).to(device)
        encoder = self.encoder(self.files.of(corpus), processor, model)
        with quiet():
            encoder.check_itself()
        return encoder

    @abstractmethod
    def load_processor(self, folder: Path) -> Any:
        """What prepares items for the model."""

    @abstractmethod
    def encoder(self, files: MediaFiles[Any], processor: Any, model: Any) -> "MediaModelEncoder":
        """The encoder of loaded parts."""

    def tower_of(self, model: Any) -> Any:
        """The encoder of such items in a model that also does something else; any other model as it is."""
        return getattr(model, self.tower, model)

    def _load_model(self, folder: Path) -> Any:
        import torch
        from transformers import AutoConfig

        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        with torch.random.fork_rng(devices=[]):  # loading draws random numbers for weights it then discards
            torch.default_generator.manual_seed(self.seed)
            return self._trained(folder, config) if self.reads_weights else self._fresh(config)

    def _fresh(self, config: Any) -> Any:
        import torch
        from transformers import AutoModel

        model = AutoModel.from_config(config, trust_remote_code=False, dtype=torch.float32)
        return self.tower_of(model).to(getattr(torch, self.settings.dtype))

    def _trained(self, folder: Path, config: Any) -> Any:
        import torch
        from transformers import AutoModel

        model, report = AutoModel.from_pretrained(
            folder,
            config=config,
            dtype=getattr(torch, self.settings.dtype),
            output_loading_info=True,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
        )
        missing = list(report["missing_keys"])
        refuse_missing_weights(missing, self.settings.checkpoint)
        if self.settings.pooling == "pooler" and any("pooler" in name for name in missing):
            raise ModelError(
                f"checkpoint {self.settings.checkpoint!r} has no weights for its pooler, which would be "
                "random; set pooling to mean or cls"
            )
        return self.tower_of(model)


class MediaModelEncoder(Encoder):
    """Items through a processor and a model, in batches of items of one shape."""

    def __init__(
        self, files: MediaFiles[Any], processor: Any, model: Any, settings: MediaModelSettings
    ) -> None:
        self.files, self.processor, self.model, self.settings = files, processor, model, settings
        self.n_parameters = sum(weights.numel() for weights in model.parameters())
        self.batches = BatchRunner(settings.batch_size, settings.checkpoint)
        self.batches.one_length = True
        self.said: list[str] = []

    def warnings(self) -> list[str]:
        """Warnings from the check at opening, and about smaller batches."""
        return [*self.said, *self.batches.warnings()]

    @abstractmethod
    def prepared(self, item: Any) -> Any:
        """An item as input of the model; it has a `shape`."""

    @abstractmethod
    def pooled_of(self, prepared: Sequence[Any]) -> Any:
        """Vectors of items in one batch, a tensor (n_items, embed_dim)."""

    @abstractmethod
    def probes(self) -> Probes[Any]:
        """Items for the check at opening, as input of the model."""

    def check_itself(self) -> None:
        """Check that an item has one vector, alone and beside another; otherwise make smaller batches.

        Raises:
            ModelError: the vector of an item changes after others were encoded, or it cannot be encoded.
        """
        if self.settings.pooling == "cls" and not has_class_token(self.model):
            raise ModelError(
                f"checkpoint {self.settings.checkpoint!r} has no class token; set pooling to mean or pooler"
            )
        probes = self.probes()
        self.embed_dim = self.encode_together([probes.short]).shape[1]
        self.said += checked_batches(
            self, probes, self.settings.dtype, self.settings.checkpoint, self.files.items
        )

    def encode(self, window: Window) -> np.ndarray:
        """Pooled vectors, float32, shape (len(window), embed_dim)."""
        step = BATCHES_AT_ONCE * self.settings.batch_size
        contents = window.contents
        return np.concatenate(
            [self._encode(contents[start : start + step]) for start in range(0, len(contents), step)]
        )

    def _encode(self, contents: Sequence[str]) -> np.ndarray:
        """Vectors of the items that are in memory together."""
        prepared = list(self.files.each(contents, self._prepared))
        shapes = sorted({each.shape for each in prepared}, key=lambda shape: (np.prod(shape), shape))
        sizes = [shapes.index(each.shape) for each in prepared]
        return self.batches.run(lambda batch: self.encode_together([prepared[i] for i in batch]), sizes)

    def _prepared(self, item: Any) -> Any:
        with encoding_errors(self.settings.checkpoint, self.files.items):
            return self.prepared(item)

    def encode_together(self, items: Sequence[Any]) -> np.ndarray:
        """Vectors of prepared items that form one batch."""
        import torch

        with torch.inference_mode(), encoding_errors(self.settings.checkpoint, self.files.items):
            vectors = self.pooled_of(items).float()
            if self.settings.normalize:
                vectors = torch.nn.functional.normalize(vectors, dim=1)
        return np.asarray(vectors.cpu().numpy(), dtype=np.float32)

    def given(self, tensor: Any) -> Any:
        """A tensor on the model's device; numbers with its precision."""
        parameter = next(self.model.parameters())
        return tensor.to(parameter.device, parameter.dtype if tensor.is_floating_point() else None)


def has_class_token(model: Any) -> bool:
    """Whether the first token of a model is one for the whole item, and not its first part."""
    return any(name.rpartition(".")[2] in CLASS_TOKENS for name, _ in model.named_parameters())


def pooler_output(output: Any, checkpoint: str) -> Any:
    """A model's own pooled vectors, a tensor (n_items, embed_dim).

    Raises:
        ModelError: it has none.
    """
    found = getattr(output, "pooler_output", None)
    if found is None:
        raise ModelError(f"checkpoint {checkpoint!r} has no pooler; set pooling to mean or cls")
    return found.flatten(1)


def states_of(output: Any, layer: int, checkpoint: str) -> Any:
    """The hidden states of a layer: (n_items, n_tokens, width), or (n_items, n_channels, height, width).

    Raises:
        ModelError: there is no such layer.
    """
    if layer == -1:
        return output.last_hidden_state
    listed = getattr(output, "hidden_states", None) or ()
    if not -len(listed) <= layer < len(listed):
        raise ModelError(
            f"layer {layer} does not exist; {checkpoint!r} has hidden states 0 to {len(listed) - 1}"
        )
    return listed[layer]


@contextmanager
def encoding_errors(checkpoint: str, items: str) -> Iterator[None]:
    """Turn a library's error while encoding into a ModelError with checkpoint and remedy."""
    try:
        yield
    except Exception as error:
        if isinstance(error, SufficeError) or is_out_of_memory(error):
            raise
        raise ModelError(
            f"checkpoint {checkpoint!r} was loaded but cannot encode {items} ({type(error).__name__}: "
            f"{first_line(error)}); compute the vectors yourself and use loader precomputed"
        ) from error
