"""Forward passes of text encoders whose weights ship in packages or data folders in formats of their own.

Each class has `n_parameters` and `encode`, which turns texts into vectors of shape (n_texts, embed_dim).
"""

import json
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

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


class OnnxBert:
    """A BERT in ONNX with mean pooling over tokens.

    Args:
        path: the ONNX file, with inputs input_ids and attention_mask.
        tokenizer: a tokenizer.json.
        max_tokens: tokens read of a text.
    """

    def __init__(self, path: Path, tokenizer: Path, max_tokens: int = 128) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        self._session = onnxruntime.InferenceSession(str(path), options)
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.enable_truncation(max_tokens)
        self._tokenizer.enable_padding()
        self.n_parameters = path.stat().st_size // 4  # single precision; the graph itself is a few kilobytes

    def encode(self, texts: Sequence[str]) -> Floats:
        """Mean over tokens of the last layer."""
        return in_batches_by_length(texts, self._encode_batch, BATCH)

    def _encode_batch(self, texts: list[str]) -> Floats:
        read = self._tokenizer.encode_batch(texts)
        ids = np.array([each.ids for each in read], dtype=np.int64)
        mask = np.array([each.attention_mask for each in read], dtype=np.int64)
        (states,) = (
            output
            for output in self._session.run(None, {"input_ids": ids, "attention_mask": mask})
            if output.ndim == 3
        )
        weights = mask[:, :, None].astype(np.float32)
        return np.asarray((states * weights).sum(axis=1) / weights.sum(axis=1), dtype=np.float32)


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


class UniversalSentenceEncoder:
    """The multilingual Universal Sentence Encoder: word n-grams by convolutions, then a dense network.

    Yang et al., ACL 2020 demonstrations (arXiv 1907.04307). The token table is quantised to 6 bits in 17
    blocks; piece i is in block i modulo 17.
    """

    N_BLOCKS = 17
    ORDERS = ((2, 0), (3, 1), (5, 2))  # length of the n-gram, tokens of it before the middle one

    def __init__(self, weights: Path, pieces: Path) -> None:
        from sentencepiece import SentencePieceProcessor

        held = dict(np.load(weights))
        blocks = [held.pop(f"q{number + 1}") for number in range(self.N_BLOCKS)]
        self._table = np.stack(blocks, axis=1).reshape(-1, blocks[0].shape[1])
        self._w: dict[str, Any] = held
        self._pieces = SentencePieceProcessor(model_file=str(pieces))
        self.n_parameters = self._table.size + sum(array.size for array in held.values())

    def encode(self, texts: Sequence[str]) -> Floats:
        """One vector of length one per text."""
        return np.stack([self._encode_one(text) for text in texts])

    def _encode_one(self, text: str) -> Floats:
        ids = np.array(self._pieces.encode(text, add_bos=True, add_eos=True))
        block = ids % self.N_BLOCKS
        embedded = self._table[ids] * self._w["scale"][block, None] + self._w["lo"][block, None]
        branches = [self._n_grams(embedded, length, before) for length, before in self.ORDERS]
        features = self._normed(np.concatenate([embedded, *branches], axis=1), "ln_g", "ln_b")
        summed = (features @ self._w["cnn_W"] + self._w["cnn_b"]).sum(axis=0) / np.sqrt(len(ids))
        return self._dense(summed)

    def _n_grams(self, embedded: Floats, length: int, before: int) -> Floats:
        w = self._w
        x = embedded @ w[f"proj{length}"] + w[f"proj_b{length}"]
        x = self._normed(x, f"ln_g{length}", f"ln_b{length}")
        for layer in ("1", "2"):
            seen = _windows(x, length, before)
            x = x + np.maximum(seen @ w[f"w{layer}_{length}"] + w[f"b{layer}_{length}"], 0)
        return x

    def _normed(self, x: Floats, gain: str, offset: str) -> Floats:
        centred = x - x.mean(axis=1, keepdims=True)
        deviation = np.sqrt(np.square(centred).mean(axis=1, keepdims=True) + self._w["eps"])
        return np.asarray(centred / deviation * self._w[gain] + self._w[offset], dtype=np.float32)

    def _dense(self, x: Floats) -> Floats:
        w = self._w
        hidden = np.maximum(x @ w["p1"] + np.maximum(x @ w["d0"], 0) @ w["d1"], 0)
        out = np.tanh(hidden @ w["p3"] + np.maximum(hidden @ w["d2"], 0) @ w["d3"])
        return np.asarray(out / np.linalg.norm(out), dtype=np.float32)


def _windows(x: Floats, length: int, before: int) -> Floats:
    """Each row with its neighbours side by side, zeros beyond the ends, shape (n_rows, length * width)."""
    padded = np.pad(x, ((before, length - 1 - before), (0, 0)))
    return np.concatenate([padded[shift : shift + len(x)] for shift in range(length)], axis=1)


def glove_table(vectors: Path, index: Path, path: Path) -> Path:
    """Write GloVe's words and vectors as arrays `words` and `vectors` of one .npz file."""
    import pandas as pd

    words = pd.read_parquet(index)
    texts = words.select_dtypes(exclude="number").iloc[:, 0] if len(words.columns) > 1 else words.iloc[:, 0]
    return _write_table(list(texts.astype(str)), np.load(vectors), path)


def code_table(library: Path, path: Path) -> Path:
    """Write the token vectors that a shared object (ELF, 64 bit) holds as arrays `words` and `vectors`.

    Offsets are those of the one file whose hash the arena checks: an array of pointers to the tokens, each
    filled by a relocation, and a blob of bytes, 768 per token after 8 of a header.
    """
    relocations, n_relocation_bytes, tokens, n_tokens = 0x2408, 0xF1E78, 0x1FFBFC0, 40_892
    blob, width = 0x203BD0 + 8, 768
    content = library.read_bytes()
    entries = struct.iter_unpack("<QQq", content[relocations : relocations + n_relocation_bytes])
    address_of = {place: address for place, _, address in entries}
    words = [_text_at(content, address_of[tokens + 8 * number]) for number in range(n_tokens)]
    vectors = np.frombuffer(content, np.int8, n_tokens * width, blob).reshape(n_tokens, width)
    return _write_table(words, vectors.astype(np.float32) / 127, path)


def _text_at(content: bytes, start: int) -> str:
    return content[start : content.index(b"\0", start)].decode()


def _write_table(words: list[str], vectors: Floats, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, words=np.array(words), vectors=vectors.astype(np.float32))
    return path
