"""Forward passes of text encoders whose weights come in formats of their own.

Each class has `n_parameters` and `encode`, which turns texts into vectors of shape (n_texts, embed_dim).
Encoders that the study `text-real` has, too, are in its folder.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

Floats = npt.NDArray[np.float32]
BATCH = 64


class TextEncoder(Protocol):
    """The interface of encoders."""

    n_parameters: int | None

    def encode(self, texts: Sequence[str]) -> Floats:
        """Vectors of texts in their order, shape (n_texts, embed_dim)."""


def in_batches_by_length(texts: Sequence[str], encode: Callable[[list[str]], Floats], size: int) -> Floats:
    """Encode texts of like length together, and put the vectors back into the order of the texts."""
    order = np.argsort([len(text) for text in texts], kind="stable")
    parts = [
        encode([texts[row] for row in order[start : start + size]]) for start in range(0, len(texts), size)
    ]
    joined = np.concatenate(parts).astype(np.float32)
    vectors = np.empty_like(joined)
    vectors[order] = joined
    return vectors


class OfStudy:
    """An encoder of the study `text-real`.

    Args:
        encode: turns texts into vectors.
        n_parameters: number of its weights.
    """

    def __init__(self, encode: Callable[[list[str]], Floats], n_parameters: int) -> None:
        self._encode, self.n_parameters = encode, n_parameters

    def encode(self, texts: Sequence[str]) -> Floats:
        """Vectors in the order of the texts."""
        return in_batches_by_length(texts, self._encode, BATCH)


class StaticTokens:
    """Mean of token vectors, each token with its weight, in the quantised format of model2vec."""

    def __init__(self, weights: Path, tokenizer: Path) -> None:
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        held = load_file(weights)
        vectors = held["embeddings"].astype(np.float32)
        self._table = vectors[held["mapping"]] * held["weights"][:, None]
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_padding()
        self.n_parameters = vectors.size + held["weights"].size

    def encode(self, texts: Sequence[str]) -> Floats:
        """Mean over tokens, scaled to length one."""
        read = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        means = [self._table[each.ids].mean(axis=0) if each.ids else self._table[0] * 0 for each in read]
        vectors = np.array(means)
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.where(length > 0, length, 1), dtype=np.float32)


class CharacterNetwork:
    """A character LSTM of two layers with attention over embedding and both layers (textgenrnn)."""

    def __init__(self, weights: Path, vocabulary: Path, max_characters: int = 300) -> None:
        arrays = {name: torch.from_numpy(array) for name, array in np.load(weights).items()}
        self._index: dict[str, int] = json.loads(vocabulary.read_text(encoding="utf-8"))
        self._embedding, self._attention = arrays["embedding/embeddings"], arrays["attention/attention_W"]
        self._layers = [_lstm(arrays, f"rnn_{number}") for number in (1, 2)]
        self._max = max_characters
        self.n_parameters = sum(array.numel() for name, array in arrays.items() if "output" not in name)

    def encode(self, texts: Sequence[str]) -> Floats:
        """Attention-weighted mean over characters of embedding and states."""
        return np.stack([self._encode_one(text) for text in texts])

    @torch.inference_mode()
    def _encode_one(self, text: str) -> Floats:
        ids = [self._index[character] for character in text[: self._max] if character in self._index]
        states = [self._embedding[ids or [0]][None]]
        for layer in self._layers:
            states.append(layer(states[-1])[0])
        joined = torch.cat(states, dim=2)[0]  # (n_characters, 356)
        share = torch.softmax(joined @ self._attention, dim=0)
        return (share * joined).sum(dim=0).numpy()


def _lstm(arrays: dict[str, torch.Tensor], name: str) -> torch.nn.LSTM:
    """An LSTM from weights in Keras' layout, whose gates are in the same order as torch's."""
    kernel, recurrent = arrays[f"{name}/kernel"], arrays[f"{name}/recurrent_kernel"]
    layer = torch.nn.LSTM(kernel.shape[0], recurrent.shape[0], batch_first=True)
    layer.load_state_dict(
        {
            "weight_ih_l0": kernel.T,
            "weight_hh_l0": recurrent.T,
            "bias_ih_l0": arrays[f"{name}/bias"],
            "bias_hh_l0": torch.zeros_like(arrays[f"{name}/bias"]),
        }
    )
    return layer.eval()


def write_word_table(table: tuple[list[str], Floats], path: Path) -> Path:
    """Write words and their vectors as arrays `words` and `vectors` of one .npz file."""
    words, vectors = table
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, words=np.array(words), vectors=vectors)
    return path
