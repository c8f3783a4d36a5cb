"""Tiny checkpoints with random weights, to test a whole study without network."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from suffice.embed.loading import quiet
from suffice.embed.training.wordpiece import train_tokenizer
from suffice.errors import ModelError
from suffice.settings import did_you_mean

WIDTH, N_LAYERS, N_HEADS, MAX_TOKENS = 32, 2, 4, 64
VOCAB_SIZE = 400
SPREAD = 0.25  # of the weights; with the default weights, all texts have similar vectors
WORD_AVERAGE = "word_average"
_LAYERS = {"num_hidden_layers": N_LAYERS, "num_attention_heads": N_HEADS, "intermediate_size": 2 * WIDTH}
_ENCODER = {"hidden_size": WIDTH, "max_position_embeddings": MAX_TOKENS + 2, **_LAYERS}
_DECODER = _ENCODER | {"num_key_value_heads": 2}
SIZES: Mapping[str, Mapping[str, int]] = {
    "bert": _ENCODER,
    "roberta": _ENCODER | {"pad_token_id": 0},
    "mpnet": _ENCODER | {"pad_token_id": 0},
    "t5": {"d_model": WIDTH, "d_kv": 8, "d_ff": 2 * WIDTH, "num_layers": N_LAYERS, "num_heads": N_HEADS},
    "bloom": {"hidden_size": WIDTH, "n_layer": N_LAYERS, "n_head": N_HEADS},
    "llama": _DECODER,
    "mistral": _DECODER,
    "gemma": _DECODER | {"head_dim": 8},
}
ARCHITECTURES = (*SIZES, WORD_AVERAGE)


def check_architecture(name: str) -> None:
    """Raise ModelError if there is no stand-in with that architecture."""
    if name not in ARCHITECTURES:
        raise ModelError(
            f"no stand-in has the architecture {name!r}{did_you_mean(name, list(ARCHITECTURES))}"
        )


def write_standin(folder: Path, architecture: str, loader: str, texts: Sequence[str], seed: int) -> None:
    """Write a tiny checkpoint.

    Args:
        folder: folder to write to.
        architecture: one of `ARCHITECTURES`.
        loader: the kind of loader that will read it; for `sentence_transformer` the transformer is wrapped
            with mean pooling, as that library saves models.
        texts: texts for its vocabulary.
        seed: seed of the random weights.

    Raises:
        ModelError: the architecture is unknown, or the loader cannot read it.
    """
    check_architecture(architecture)
    if loader not in ("sentence_transformer", "hidden_states"):
        raise ModelError(f"there is no stand-in for the loader {loader}; leave architecture empty")
    if architecture == WORD_AVERAGE and loader != "sentence_transformer":
        raise ModelError(f"{WORD_AVERAGE} is read by the loader sentence_transformer, not by {loader}")
    with quiet(), TemporaryDirectory() as plain:
        if architecture == WORD_AVERAGE:
            _word_average(texts, seed).save(str(folder))
        elif loader == "hidden_states":
            _save_transformer(folder, architecture, texts, seed)
        else:
            _save_transformer(Path(plain), architecture, texts, seed)
            _wrapped(Path(plain)).save(str(folder))


def _save_transformer(folder: Path, architecture: str, texts: Sequence[str], seed: int) -> None:
    """A tokenizer and a transformer with random weights."""
    import torch
    from transformers import AutoConfig, AutoModel, T5EncoderModel

    tokenizer = train_tokenizer(list(texts), VOCAB_SIZE, MAX_TOKENS)
    config = AutoConfig.for_model(architecture, vocab_size=len(tokenizer), **SIZES[architecture])
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        model = T5EncoderModel(config) if architecture == "t5" else AutoModel.from_config(config)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if parameter.ndim > 1 and "norm" not in name.lower():
                    parameter.normal_(0.0, SPREAD)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _wrapped(folder: Path) -> Any:
    """A transformer with mean pooling in the format of the sentence-transformers library."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    transformer = Transformer(str(folder), max_seq_length=MAX_TOKENS)
    return SentenceTransformer(modules=[transformer, Pooling(WIDTH, "mean")], device="cpu")


def _word_average(texts: Sequence[str], seed: int) -> Any:
    """Random word vectors and their mean."""
    import numpy as np
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, WordEmbeddings
    from sentence_transformers.sentence_transformer.modules.tokenizer import WhitespaceTokenizer

    words = sorted({word.lower() for text in texts for word in text.split()})
    vectors = np.random.default_rng(seed).normal(size=(len(words) + 1, WIDTH)).astype(np.float32)
    vectors[0] = 0
    tokenizer = WhitespaceTokenizer(vocab=["PADDING_TOKEN", *words], stop_words=[], do_lower_case=True)
    return SentenceTransformer(
        modules=[WordEmbeddings(tokenizer, vectors), Pooling(WIDTH, "mean")], device="cpu"
    )
