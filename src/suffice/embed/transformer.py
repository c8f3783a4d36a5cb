"""Shared parts of loaders of the transformers library: batches of tokens, padded on the right, offline."""

import inspect
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
from pydantic import Field, model_validator

from suffice.data.corpus import Corpus, Window
from suffice.embed.base import Encoder
from suffice.embed.batches import BatchRunner
from suffice.embed.checkpoint import CheckpointLoader, CheckpointSettings
from suffice.embed.checkpoint_places import is_local
from suffice.embed.loading import load_errors, quiet, refuse_missing_weights, torch_device
from suffice.embed.long_texts import cut_long_texts
from suffice.embed.promises import keep_promises
from suffice.embed.roles import by_role
from suffice.embed.self_check import check_batches, encoding_errors
from suffice.errors import ModelError
from suffice.storage.fetch import without_network

DEFAULT_MAX_LENGTH = 512  # tokens, unless the model or its tokenizer reads fewer
T = TypeVar("T", bound="TransformerSettings")


class TransformerSettings(CheckpointSettings):
    """Settings that kinds share which run a network of the transformers library on tokens."""

    max_length: int | None = Field(
        None, ge=1, description="Number of tokens read per item; by default the model's limit, at most 512"
    )
    prompt: str = Field("", description="Text put before each item")
    random_init: bool = Field(
        False, description="Seeded random weights in the same architecture, as a control"
    )

    @model_validator(mode="after")
    def _no_hash_of_unused_weights(self) -> Self:
        if self.random_init and self.sha256 is not None:
            raise ValueError("sha256 names the trained weights, which random_init does not use; remove one")
        return self


class TransformerLoader(CheckpointLoader[T]):
    """A loader of a network and its tokenizer. `auto_model` is the class of transformers that makes it."""

    libraries = ("torch", "transformers", "tokenizers")
    counts_tokens = True
    auto_model: ClassVar[str] = "AutoModel"

    @property
    def reads_weights(self) -> bool:
        """Random weights need only the architecture."""
        return not self.settings.random_init

    @property
    def is_random(self) -> bool:
        """Whether the weights are untrained."""
        return self.settings.random_init

    def identity(self) -> dict[str, Any]:
        """As for any checkpoint, but of random weights the configuration alone."""
        if self.is_random and is_local(self.location):
            return {"files_sha256": {"checkpoint": self.opened.configuration_sha256()}}
        return super().identity()

    def open(self, corpus: Corpus) -> Encoder:
        """Load the tokenizer and the network."""
        settings, device = self.settings, torch_device(self.device)
        folder = self.checked_folder()
        with quiet(), without_network(), load_errors(settings.checkpoint):
            tokenizer, model = self._load_tokenizer(folder), self._load_model(folder)
            said = keep_promises(tokenizer, self.read_config("tokenizer_config.json"))
        max_length = _max_length(settings.max_length, position_limit(model), tokenizer.model_max_length)
        encoder = self._encoder(model, tokenizer, max_length)
        model.eval().requires_grad_(False).to(device)
        encoder.prompts = self.own_treatment.chosen(settings)
        with quiet():
            encoder.said = [*said, *encoder.check_itself()]
        return encoder

    @abstractmethod
    def _encoder(self, model: Any, tokenizer: Any, max_length: int) -> "TransformerEncoder":
        """The encoder of a loaded network, which is moved to its device afterwards."""

    @property
    def _source(self) -> dict[str, Any]:
        return {"local_files_only": True, "trust_remote_code": self.settings.trust_remote_code}

    def _load_tokenizer(self, folder: Path) -> Any:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(folder, **self._source)
        refuse_empty_vocabulary(tokenizer, self.settings.checkpoint)
        return tokenizer

    def _load_model(self, folder: Path) -> Any:
        import torch
        from transformers import AutoConfig

        config = AutoConfig.from_pretrained(folder, **self._source)
        with torch.random.fork_rng(devices=[]):  # loading draws random numbers for weights it then discards
            torch.default_generator.manual_seed(self.seed)
            fresh = self.settings.random_init
            return self._fresh_model(config) if fresh else self._trained_model(folder, config)

    def _fresh_model(self, config: Any) -> Any:
        import torch

        trusted = self.settings.trust_remote_code
        model = self._factory.from_config(config, trust_remote_code=trusted, dtype=torch.float32)
        return model.to(getattr(torch, self.settings.dtype))

    def _trained_model(self, folder: Path, config: Any) -> Any:
        import torch

        dtype = getattr(torch, self.settings.dtype)
        model, report = self._factory.from_pretrained(
            folder,
            config=config,
            dtype=dtype,
            output_loading_info=True,
            use_safetensors=self.uses_safetensors(),
            weights_only=True,
            **self._source,
        )
        refuse_missing_weights(self._used(model, report["missing_keys"]), self.settings.checkpoint)
        return model

    @property
    def _factory(self) -> Any:
        import transformers

        return getattr(transformers, self.auto_model)

    def _used(self, model: Any, missing: Sequence[str]) -> list[str]:
        """Those of the parameters missing in a checkpoint that the vectors depend on."""
        return list(missing)


def refuse_empty_vocabulary(tokenizer: Any, checkpoint: str) -> None:
    """Raise ModelError for a tokenizer with special tokens only, which the library creates without files."""
    if set(tokenizer.get_vocab()) <= set(tokenizer.all_special_tokens):
        raise ModelError(
            f"checkpoint {checkpoint!r} has no vocabulary, so every word would be unknown; add the "
            "tokenizer's files (tokenizer.json, or vocab.txt and the like)"
        )


def position_limit(model: Any) -> int | None:
    """The largest number of tokens by positions; None if positions are relative and unlimited.

    RoBERTa and similar models start to count after the padding index, so their table exceeds their limit.
    """
    from torch.nn import Embedding

    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, Embedding):
            return module.num_embeddings - (0 if module.padding_idx is None else module.padding_idx + 1)
    limit = getattr(model.config, "max_position_embeddings", None)
    return int(limit) if limit and limit > 0 else None


def _max_length(asked: int | None, limit: int | None, tokenizer_limit: int) -> int:
    if asked is None:
        return min(limit or DEFAULT_MAX_LENGTH, tokenizer_limit, DEFAULT_MAX_LENGTH)
    if limit is not None and asked > limit:
        raise ModelError(f"max_length {asked} is more than the {limit} positions of the model; lower it")
    return asked


class TransformerEncoder(Encoder):
    """A loaded network with its tokenizer.

    Items are always padded on the right, so the positions of tokens do not depend on other items in the
    batch. An item without any token gets a zero row.

    Args:
        model: the network.
        tokenizer: its tokenizer.
        settings: the user's settings.
        max_length: number of tokens read per item.
        embed_dim: width of the vectors.
        kind: name of the loader in errors.
    """

    def __init__(  # noqa: PLR0913
        self,
        model: Any,
        tokenizer: Any,
        settings: TransformerSettings,
        *,
        max_length: int,
        embed_dim: int,
        kind: str,
    ) -> None:
        self.model, self.tokenizer, self.settings = model, tokenizer, settings
        self.max_length, self.embed_dim, self.kind = max_length, embed_dim, kind
        self.n_parameters = sum(p.numel() for name, p in model.named_parameters() if "pooler" not in name)
        self.n_truncated = 0
        self.role_column, self.prompts = settings.role_column, dict[str, str]()
        self.batches = BatchRunner(settings.batch_size, settings.checkpoint)
        self.pad_id = _pad_id(tokenizer, model.config)
        self.said: list[str] = []
        self.takes_token_types = "token_type_ids" in inspect.signature(model.forward).parameters

    def warnings(self) -> list[str]:
        """Warnings from the check at opening, and about smaller batches."""
        return [*self.said, *self.batches.warnings()]

    def check_itself(self) -> list[str]:
        """Check that a text always has the same vector.

        Raises:
            ModelError: the check fails, or the model cannot encode a text.
        """
        said = check_batches(self, self.max_length, self.settings.dtype, self.settings.checkpoint)
        self.n_truncated = 0
        return said

    def encode_together(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of texts in one batch, in this order."""
        encoded = self._tokenize(list(texts))
        rows = [{name: encoded[name][i] for name in encoded} for i in range(len(texts))]
        vectors = self._encode_batch(rows)
        self.n_truncated = 0
        return vectors

    def encode(self, window: Window) -> np.ndarray:
        """Vectors of one window, float32, shape (len(window), embed_dim)."""
        return by_role(window, self._encode_alike, self.embed_dim)

    def _encode_alike(self, texts: list[str], role: str | None) -> np.ndarray:
        """Vectors of texts of one role."""
        encoded = self._tokenize(texts, role)
        lengths = [len(ids) for ids in encoded["input_ids"]]
        self.count_tokens(sum(lengths))
        vectors = np.zeros((len(texts), self.embed_dim), dtype=np.float32)
        present = self._to_run(encoded["input_ids"], vectors)
        if len(present):
            rows = [{name: encoded[name][i] for name in encoded} for i in present]
            vectors[present] = self.batches.run(
                lambda batch: self._encode_batch([rows[i] for i in batch]), [lengths[i] for i in present]
            )
        return vectors

    def _to_run(self, rows: list[list[int]], vectors: np.ndarray) -> np.ndarray:
        """Positions of the items that the network must read: those with a token.

        Args:
            rows: token ids of each item.
            vectors: the vectors, to fill in those that are known already.
        """
        return np.flatnonzero([len(row) for row in rows])

    def _tokenize(self, texts: list[str], role: str | None = None) -> dict[str, list[list[int]]]:
        """Token ids (and types) of each text, cut to `max_length`; counts the texts that were cut."""
        prompt = self.prompts.get(role or "", self.settings.prompt)
        texts = [prompt + text if text else text for text in texts]
        texts = cut_long_texts(texts, self.max_length, self._n_tokens, self.tokenizer)
        encoded = self.tokenizer(texts, verbose=False)
        names = ["input_ids"]
        if self.takes_token_types and "token_type_ids" in encoded:
            names.append("token_type_ids")
        long = [i for i, ids in enumerate(encoded["input_ids"]) if len(ids) > self.max_length]
        if long:
            self.n_truncated = (self.n_truncated or 0) + len(long)
            cut = self.tokenizer([texts[i] for i in long], truncation=True, max_length=self.max_length)
            for name in names:
                for i, values in zip(long, cut[name], strict=True):
                    encoded[name][i] = values
        return {name: encoded[name] for name in names}

    def _n_tokens(self, text: str) -> int:
        return len(self.tokenizer(text, verbose=False)["input_ids"])

    def _encode_batch(self, rows: list[dict[str, list[int]]]) -> np.ndarray:
        import torch

        device = next(self.model.parameters()).device
        fill = {"input_ids": self.pad_id, "token_type_ids": 0}
        inputs = {
            name: pad_right([row[name] for row in rows], value).to(device)
            for name, value in fill.items()
            if name in rows[0]
        }
        mask = pad_right([[1] * len(row["input_ids"]) for row in rows], 0).to(device)
        with torch.inference_mode(), encoding_errors(self.settings.checkpoint, self.kind):
            vectors = self._scaled(self._vectors(inputs, mask))
        return np.asarray(vectors.cpu().numpy(), dtype=np.float32)

    def _scaled(self, vectors: Any) -> Any:
        """The vectors as the setting normalize says."""
        return scaled(vectors, self.settings.normalize)

    @abstractmethod
    def _vectors(self, inputs: Mapping[str, Any], mask: Any) -> Any:
        """Vectors of a batch on the device, float32 tensor (n_items, embed_dim).

        Args:
            inputs: token ids, and token types if the model takes them, padded on the right, tensors
                (n_items, n_tokens).
            mask: 1 for tokens and 0 for padding, likewise; at least one token per item.
        """


def scaled(vectors: Any, normalize: bool) -> Any:
    """A tensor of vectors, divided by their Euclidean norms if `normalize` is set."""
    import torch

    return torch.nn.functional.normalize(vectors, dim=1) if normalize else vectors


def pad_right(rows: list[list[int]], value: int) -> Any:
    """Tensor (len(rows), longest row), padded with `value`."""
    import torch

    width = max(map(len, rows))
    return torch.tensor([row + [value] * (width - len(row)) for row in rows], dtype=torch.long)


def _pad_id(tokenizer: Any, config: Any) -> int:
    """A token id for padding; any valid id works, unless positions are counted from it."""
    candidates = (
        tokenizer.pad_token_id,
        getattr(config, "pad_token_id", None),
        tokenizer.eos_token_id,
        tokenizer.unk_token_id,
    )
    return next((int(i) for i in candidates if isinstance(i, int) and 0 <= i < config.vocab_size), 0)
