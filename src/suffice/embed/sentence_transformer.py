"""Vectors of sentence-transformers models, through their own pooling, projection and normalisation."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import Field, model_validator

from suffice.data.corpus import Corpus, Window
from suffice.embed.allowed import MODULES
from suffice.embed.base import Encoder, EncoderOfSeveral, Loader
from suffice.embed.batches import BatchRunner
from suffice.embed.checkpoint import CheckpointLoader, CheckpointSettings
from suffice.embed.loading import load_errors, quiet, refuse_missing_weights, torch_device
from suffice.embed.long_texts import cut_long_texts
from suffice.embed.promises import keep_promises, last_tokens
from suffice.embed.roles import OwnTreatment, by_role
from suffice.embed.self_check import check_batches, encoding_errors, probe_texts
from suffice.embed.states_beside import with_hidden_states
from suffice.embed.transformer import position_limit, refuse_empty_vocabulary
from suffice.errors import ModelError
from suffice.storage.fetch import without_network
from suffice.storage.files import read_json

MISSING_IN_REPORT = re.compile(r"^(\S+)\s*\|.*MISSING", re.MULTILINE)  # a line of transformers' load report


class SentenceTransformerSettings(CheckpointSettings):
    """Settings of kind `sentence_transformer`."""

    prompt: str | None = Field(None, description="Text put before each item; an empty text means no prompt")
    prompt_name: str | None = Field(
        None, description="Name of one of the model's own prompts; use it instead of `prompt`"
    )
    truncate_dim: int | None = Field(
        None, ge=1, description="Keep the first dimensions only (Matryoshka models)"
    )
    max_seq_length: int | None = Field(
        None, ge=1, description="Number of tokens read per item; by default the model's own setting"
    )

    @model_validator(mode="after")
    def _one_prompt(self) -> Self:
        if self.prompt is not None and self.prompt_name is not None:
            raise ValueError("give prompt or prompt_name, not both")
        return self


class SentenceTransformer(CheckpointLoader[SentenceTransformerSettings]):
    """A model that the sentence-transformers library saved, with all its modules."""

    kind = "sentence_transformer"
    Settings = SentenceTransformerSettings
    libraries = ("torch", "transformers", "tokenizers", "sentence-transformers")
    counts_tokens = True
    marker = MODULES
    differ_in_one_pass = frozenset({"normalize", "truncate_dim", "sha256"})
    leads_pass = True

    def open_together(self, others: Sequence[Loader[Any]], corpus: Corpus) -> EncoderOfSeveral:
        """Load the model, and take the hidden states of its transformer for models of the layers."""
        own = self.open(corpus)
        first = read_json(self.folder / self.marker)[0]
        network = getattr(own.model[0], "auto_model", None)
        if network is None or first["path"] != "":
            raise ModelError(f"{self.settings.checkpoint!r} does not have its transformer's files at the top")
        return with_hidden_states(own, network, others, corpus)

    def warnings(self) -> list[str]:
        """A warning if the model has prompts but was given none, and warnings about any checkpoint."""
        return [*super().warnings(), *self._unused_prompts()]

    def _unused_prompts(self) -> list[str]:
        config = self.read_config("config_sentence_transformers.json")
        prompts = sorted(name for name, text in (config.get("prompts") or {}).items() if text)
        chosen = (self.settings.prompt, self.settings.prompt_name, config.get("default_prompt_name"))
        if not prompts or self.settings.by_role or any(choice is not None for choice in chosen):
            return []
        return [
            f"the model has prompts ({', '.join(prompts)}) but no prompt is set; "
            "set prompt_name, or set prompt to an empty text to use none"
        ]

    def open(self, corpus: Corpus) -> "SentenceTransformerEncoder":
        """Load the model with its modules."""
        settings, device = self.settings, torch_device(self.device)
        folder = self.checked_folder()
        with quiet() as messages, without_network(), load_errors(settings.checkpoint):
            model = self._load(folder, device)
        refuse_missing_weights(MISSING_IN_REPORT.findall("\n".join(messages)), settings.checkpoint)
        if callable(model.tokenizer):  # otherwise it is the library's own word tokenizer
            refuse_empty_vocabulary(model.tokenizer, settings.checkpoint)
        _check_prompt_name(settings.prompt_name, model.prompts)
        said = self._keep_promises(model)
        _limit_length(model, settings.max_seq_length)
        encoder = SentenceTransformerEncoder(model, settings, self.own_treatment)
        with quiet():
            encoder.said = [*said, *encoder.check_itself()]
        return encoder

    def _keep_promises(self, model: Any) -> list[str]:
        """Compare the tokenizer with the files of the first module, and correct it."""
        modules = self.file(self.marker)
        first = read_json(modules)[0]["path"] if modules else ""
        folder = f"{first}/" if first else ""
        asked = self.read_config(f"{folder}tokenizer_config.json")
        if not callable(model.tokenizer) or not asked:
            return []
        length = self.read_config(f"{folder}sentence_bert_config.json").get("max_seq_length")
        return keep_promises(model.tokenizer, asked | ({"model_max_length": length} if length else {}))

    def _load(self, folder: Path, device: Any) -> Any:
        import torch
        from sentence_transformers import SentenceTransformer as Model

        settings = self.settings
        with torch.random.fork_rng(devices=[]):  # loading draws random numbers for weights it then discards
            return Model(
                str(folder),
                device=str(device),
                trust_remote_code=settings.trust_remote_code,
                local_files_only=True,
                truncate_dim=settings.truncate_dim,
                model_kwargs={
                    "dtype": getattr(torch, settings.dtype),
                    "use_safetensors": self.uses_safetensors(),
                },
            )


def _check_prompt_name(name: str | None, prompts: dict[str, str]) -> None:
    if name is not None and name not in prompts:
        known = ", ".join(sorted(prompts)) or "none"
        raise ModelError(f"the model has no prompt named {name!r}; its prompts: {known}")


def _limit_length(model: Any, asked: int | None) -> None:
    """Set the maximum length, and keep it within the model's positions, beyond which it would fail."""
    inner = getattr(model[0], "auto_model", None)
    limit = position_limit(inner) if inner is not None else None
    if asked is not None:
        if limit is not None and asked > limit:
            raise ModelError(
                f"max_seq_length {asked} is more than the {limit} positions of the model; lower it"
            )
        model.max_seq_length = asked
    elif limit is not None and (model.max_seq_length is None or model.max_seq_length > limit):
        model.max_seq_length = limit


class SentenceTransformerEncoder(Encoder):
    """A loaded sentence-transformers model.

    Args:
        model: the model, on its device.
        settings: the user's settings.
        own: its own treatment of queries and documents.

    Raises:
        ModelError: truncate_dim is more than the model's width.
    """

    def __init__(self, model: Any, settings: SentenceTransformerSettings, own: OwnTreatment) -> None:
        self.model, self.settings = model, settings
        self.role_column, self.has_routes = settings.role_column, own.has_routes
        self.prompts = own.chosen(settings)
        self.batches = BatchRunner(settings.batch_size, settings.checkpoint)
        self.n_parameters = sum(p.numel() for name, p in model.named_parameters() if "pooler" not in name)
        self.max_length = self._max_length()
        self.n_truncated = None if self.max_length is None else 0
        self.prompt = self._prompt_text()
        self.said: list[str] = []
        self.embed_dim = self._encode_texts(["a"]).shape[1]
        if settings.truncate_dim is not None and settings.truncate_dim > self.embed_dim:
            raise ModelError(
                f"truncate_dim {settings.truncate_dim} is more than the model's {self.embed_dim} dimensions"
            )

    def _max_length(self) -> int | None:
        """Number of tokens read per item; None for models that read all, such as static ones."""
        length = getattr(self.model, "max_seq_length", None)
        return int(length) if length is not None and length < float("inf") else None

    def _prompt_text(self) -> str:
        if self.settings.prompt is not None:
            return self.settings.prompt
        name = self.settings.prompt_name or self.model.default_prompt_name
        return str(self.model.prompts.get(name) or "") if name else ""

    def warnings(self) -> list[str]:
        """Warnings from the check at opening, and about smaller batches."""
        return [*self.said, *self.batches.warnings()]

    def check_itself(self) -> list[str]:
        """Check that a text always has the same vector, and that the right token is pooled.

        Raises:
            ModelError: the check fails, or the model cannot encode a text.
        """
        settings = self.settings
        said = check_batches(self, self.max_length, settings.dtype, settings.checkpoint)
        pools_last = any(getattr(module, "pooling_mode", None) == "lasttoken" for module in self.model)
        if pools_last and callable(self.model.tokenizer):
            probes = probe_texts(None)
            texts = [probes.short, probes.long[: len(probes.short)]]
            rows = [row[-1:] for row in self._token_ids(texts)]
            said += last_tokens(self.model.tokenizer, rows)
        return said

    def encode_together(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of texts in one batch; the library puts the longest first."""
        return self._encode_texts(list(texts))

    def encode(self, window: Window) -> np.ndarray:
        """The model's own sentence embeddings, float32, shape (len(window), embed_dim)."""
        return by_role(window, self._encode_alike, self.embed_dim)

    def _encode_alike(self, texts: list[str], role: str | None) -> np.ndarray:
        """Vectors of texts of one role."""
        texts = cut_long_texts(texts, self.max_length, self._n_tokens, self.model.tokenizer)
        lengths = [len(text) for text in texts]
        if self.max_length is not None or self.batches.one_length:
            lengths = [len(ids) for ids in self._token_ids(texts, role)]
        if self.max_length is not None:
            n_long = sum(length > self.max_length for length in lengths)
            self.n_truncated = (self.n_truncated or 0) + n_long
            self.count_tokens(sum(min(length, self.max_length) for length in lengths))
        return self.batches.run(lambda batch: self._encode_texts([texts[i] for i in batch], role), lengths)

    def _n_tokens(self, text: str) -> int:
        return len(self._token_ids([text])[0])

    def _token_ids(self, texts: list[str], role: str | None = None) -> list[list[int]]:
        """Token ids of the items with their prompt, not cut."""
        tokenizer = self.model.tokenizer
        prompt = self.prompts.get(role or "", self.prompt)
        texts = [prompt + text for text in texts]
        if callable(tokenizer):
            return list(tokenizer(texts, verbose=False)["input_ids"])
        return [tokenizer.tokenize(text) for text in texts]

    def _encode_texts(self, texts: list[str], role: str | None = None) -> np.ndarray:
        task = {"task": role} if role and self.has_routes else {}
        with encoding_errors(self.settings.checkpoint, SentenceTransformer.kind):
            vectors = self.model.encode(
                texts,
                prompt=self.prompts.get(role or "", self.prompt),
                batch_size=len(texts),
                show_progress_bar=False,
                convert_to_tensor=True,
                normalize_embeddings=self.settings.normalize,
                **task,
            )
        return np.asarray(vectors.float().cpu().numpy(), dtype=np.float32)
