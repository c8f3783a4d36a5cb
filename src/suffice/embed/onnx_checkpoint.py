"""Folders with an ONNX encoder of texts: the files that are read, and how they say to use it."""

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any, Literal

from pydantic import Field

from suffice.data.corpus import Corpus
from suffice.embed.base import Encoder
from suffice.embed.onnx_encoder import POOLED, OnnxEncoder, Reading, output_of
from suffice.embed.onnx_graph import GraphLoader, GraphSettings, load_session
from suffice.embed.plain_checkpoint import PlainTextSettings, read_tokenizer
from suffice.errors import ModelError

POOLING_FILE = "1_Pooling/config.json"
TOKENIZER, TOKENIZER_CONFIG, CONFIG = "tokenizer.json", "tokenizer_config.json", "config.json"
LENGTHS = "sentence_bert_config.json"
CONFIGURATION = (TOKENIZER_CONFIG, CONFIG, LENGTHS, "modules.json", POOLING_FILE)
POOLINGS = {
    "pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls",
    "pooling_mode_lasttoken": "last_token",
    "mean": "mean", "cls": "cls", "lasttoken": "last_token",
}  # fmt: skip
PLAIN_MODULES = ("Transformer", "Pooling", "Normalize")
OFFSET_POSITIONS = (
    "roberta",
    "xlm-roberta",
    "camembert",
    "mpnet",
)  # their positions begin after the padding's position
UNLIMITED = 10**6  # larger lengths mean that there is no limit


class OnnxSettings(GraphSettings, PlainTextSettings):
    """Settings of kind `onnx`."""

    output: str | None = Field(
        None, description="Name of the graph's output; default sentence_embedding, else last_hidden_state"
    )
    pooling: Literal["auto", "mean", "cls", "last_token"] = Field(
        "auto",
        description="Pooling of tokens: their mean, the first (cls) or the last_token; auto: as in "
        "1_Pooling/config.json. Not used if the output has one vector per text",
    )
    normalize: bool | None = Field(
        None, description="Divide each vector by its Euclidean norm; by default as in modules.json"
    )
    max_length: int | None = Field(
        None, ge=1, description="Tokens read per item; by default as in the folder's files"
    )
    batch_size: int = Field(
        32, ge=1, description="Items in a batch; changes no vector, which is checked when the model is opened"
    )


class Onnx(GraphLoader[OnnxSettings]):
    """An ONNX encoder with a tokenizer.json, as on the hub (`onnx/model.onnx`) or as fastembed keeps it."""

    kind = "onnx"
    Settings = OnnxSettings
    libraries = ("onnxruntime", "tokenizers")
    counts_tokens = True
    markers = (TOKENIZER, f"onnx/{TOKENIZER}")
    packages = ("onnxruntime", "tokenizers")

    def needed(self, names: Iterable[str]) -> list[str]:
        """The graph with the weights beside it, the tokenizer, and the configuration files that exist."""
        there = sorted(names)
        graph, *beside = self.graph_among(there)
        tokenizer = next((each for each in self._places(graph, TOKENIZER) if each in there), None)
        if tokenizer is None:
            raise ModelError(
                f"{self.settings.checkpoint!r} has no {TOKENIZER}; save the tokenizer beside the ONNX file"
            )
        return [graph, *beside, tokenizer, *(each for each in CONFIGURATION if each in there)]

    @staticmethod
    def _places(graph: str, name: str) -> tuple[str, str]:
        """Possible locations of a file: at the top, or beside the graph."""
        return name, str(PurePosixPath(graph).parent / name)

    def open(self, corpus: Corpus) -> Encoder:
        """Load the graph and the tokenizer."""
        self.check()
        files, settings = self.files(), self.settings
        session = load_session(next(iter(files.values())), self.provider())
        output, modules, pad_id = output_of(session, settings.output), self.module_types(), self._pad_id()
        if output != POOLED:
            self._refuse_other_modules(modules)
        reading = Reading(
            name=settings.checkpoint,
            output=output,
            pooling=self._pooling(),
            normalize="Normalize" in modules if settings.normalize is None else settings.normalize,
            prompt=settings.prompt,
            lowercase=bool(self.read_config(LENGTHS).get("do_lower_case")),
            pad_id=pad_id,
            max_length=self._length(pad_id),
            batch_size=settings.batch_size,
        )
        return OnnxEncoder(session, read_tokenizer(files[self._tokenizer_name()]), reading)

    def _tokenizer_name(self) -> str:
        return next(name for name in self.files() if name.endswith(TOKENIZER))

    def _refuse_other_modules(self, modules: Sequence[str]) -> None:
        others = sorted(set(modules) - set(PLAIN_MODULES))
        if others:
            raise ModelError(
                f"{self.settings.checkpoint!r} has the module {others[0]} after the encoder, but its ONNX "
                f"file does not contain it; export the model with an output {POOLED}, or use "
                "the loader sentence_transformer"
            )

    def _pooling(self) -> str | None:
        """Pooling of tokens; None if neither the setting nor a file gives it."""
        if self.settings.pooling != "auto":
            return self.settings.pooling
        config = self.read_config(POOLING_FILE)
        if config.get("include_prompt") is False and self.settings.prompt:
            raise ModelError(
                f"{self.settings.checkpoint!r} leaves the prompt out of the mean; remove the prompt"
            )
        chosen = [key for key, value in config.items() if key.startswith("pooling_mode_") and value is True]
        chosen += [config["pooling_mode"]] if isinstance(config.get("pooling_mode"), str) else []
        known = {POOLINGS.get(each) for each in chosen}
        if not config:
            return None
        if len(known) != 1 or None in known:
            raise ModelError(
                f"{POOLING_FILE} of {self.settings.checkpoint!r} asks for "
                f"{', '.join(chosen) or 'no pooling'}, "
                "which is not one of mean, cls and last_token; use the loader sentence_transformer"
            )
        return known.pop()

    def _length(self, pad_id: int) -> int | None:
        """Tokens read per item; None for all.

        Raises:
            ModelError: max_length is more than the model's positions.
        """
        config, asked = self.read_config(CONFIG), self.settings.max_length
        positions = _number(config.get("max_position_embeddings"))
        if positions is not None and config.get("model_type") in OFFSET_POSITIONS:
            positions -= pad_id + 1
        if asked is not None and positions is not None and asked > positions:
            raise ModelError(
                f"max_length {asked} is more than the {positions} positions of the model; lower it"
            )
        truncation = self.read_config(self._tokenizer_name()).get("truncation") or {}
        said = (
            asked,
            self.read_config(LENGTHS).get("max_seq_length"),
            self.read_config(TOKENIZER_CONFIG).get("model_max_length"),
            truncation.get("max_length"),
        )
        first = next((number for each in said if (number := _number(each))), None)
        return min(filter(None, (first, positions)), default=None)

    def _pad_id(self) -> int:
        """The id of the padding, from which some models count positions."""
        content = self.read_config(self._tokenizer_name())
        token = self.read_config(TOKENIZER_CONFIG).get("pad_token")
        token = token.get("content") if isinstance(token, dict) else token
        added = {each.get("content"): each.get("id") for each in content.get("added_tokens") or ()}
        found = (
            added.get(token), (content.get("padding") or {}).get("pad_id"),
            self.read_config(CONFIG).get("pad_token_id"),
        )  # fmt: skip
        return next((int(each) for each in found if each is not None), 0)


def _number(value: Any) -> int | None:
    """A length in a file; None if it is missing or means that there is no limit."""
    return value if isinstance(value, int) and 0 < value < UNLIMITED else None
