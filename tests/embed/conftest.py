"""Small corpora, real tokenizers trained on a few sentences, and tiny checkpoints with random weights."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from suffice.data.corpus import Corpus, Window
from suffice.embed.standin import write_standin
from suffice.storage.files import write_json

SENTENCES = [
    "the ferry crosses the sound twice a day unless the wind is strong",
    "a sparse matrix stores only the entries that are not zero",
    "she tuned the violin before the others had found their seats",
    "returns the index of the first item that meets the condition",
    "rain fell",
    "the committee postponed its decision because two members were ill",
    "sort the rows by date and keep the latest one of every customer",
    "old maps show a river where the railway station stands today",
    "no",
    "a rolling mean smooths the series but delays each turning point",
    "the baker opens at five and is sold out of rye bread by eight",
    "gradient descent moves against the slope in small steps",
    "her brother repairs clocks, radios and now and then a bicycle",
    "an empty list is returned if nothing matches the pattern at all, and that is easy to overlook in a job",
    "two herons waited at the weir",
    "the estimate has a standard error of about three percent",
]


def window_of(texts, start=0):
    return Window(start, [f"item-{start + i}" for i in range(len(texts))], list(texts))


@pytest.fixture(scope="session")
def standin(tmp_path_factory):
    """A sentence-transformers checkpoint with random weights; copy it before you change it."""
    texts = [
        "the ferry crosses the sound", "a sparse matrix", "rain fell", "two herons waited at the weir",
    ] * 3  # fmt: skip
    folder = tmp_path_factory.mktemp("standin") / "bert"
    write_standin(folder, "bert", "sentence_transformer", texts, seed=0)
    return folder


@pytest.fixture(scope="session")
def sentences():
    return list(SENTENCES)


@pytest.fixture(scope="session")
def window():
    return window_of


@pytest.fixture
def make_corpus(tmp_path):
    """A function that writes a corpus of the given texts and opens it."""

    def make(texts, name="toy"):
        ids = [f"item-{i}" for i in range(len(texts))]
        path = tmp_path / f"{name}.parquet"
        columns = {"id": ids, "content": list(texts), "group": ids, "split": ["train"] * len(ids)}
        pd.DataFrame(columns).to_parquet(path)
        write_json(
            {"dataset": name, "n_items": len(ids), "content_sha256": "0" * 64}, path.with_suffix(".json")
        )
        return Corpus(path)

    return make


@pytest.fixture
def corpus(make_corpus):
    return make_corpus(SENTENCES)


def _word_piece():
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    return tokenizer, trainers.WordPieceTrainer(vocab_size=180, special_tokens=special, show_progress=False)


def _byte_pairs(special):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=360, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    return tokenizer, trainer


def _unigram(special):
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=150, special_tokens=special, unk_token="<unk>", show_progress=False
    )
    return tokenizer, trainer


def _template(tokenizer, single, special):
    from tokenizers import processors

    pairs = [(token, tokenizer.token_to_id(token)) for token in special]
    tokenizer.post_processor = processors.TemplateProcessing(single=single, special_tokens=pairs)


ROBERTA_SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
LLAMA_SPECIAL = ["<unk>", "<s>", "</s>"]
# family: (how the tokenizer is made, what is put around an item, special tokens by name)
TOKENIZERS = {
    "bert": (_word_piece, "[CLS] $A [SEP]", {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]"}),
    "roberta": (
        lambda: _byte_pairs(ROBERTA_SPECIAL),
        "<s> $A </s>",
        {"bos": "<s>", "eos": "</s>", "pad": "<pad>", "unk": "<unk>"},
    ),
    "xlm-r": (
        lambda: _unigram(ROBERTA_SPECIAL),
        "<s> $A </s>",
        {"bos": "<s>", "eos": "</s>", "pad": "<pad>", "unk": "<unk>"},
    ),
    "t5": (
        lambda: _unigram(["<pad>", "</s>", "<unk>"]),
        "$A </s>",
        {"pad": "<pad>", "eos": "</s>", "unk": "<unk>"},
    ),
    "bloom": (lambda: _byte_pairs(["<unk>", "<s>", "</s>", "<pad>"]), None, {"pad": "<pad>", "eos": "</s>"}),
    "llama": (lambda: _byte_pairs(LLAMA_SPECIAL), "<s> $A", {"bos": "<s>", "eos": "</s>", "unk": "<unk>"}),
    "gemma": (
        lambda: _byte_pairs(["<pad>", "<eos>", "<bos>", "<unk>"]),
        "<bos> $A",
        {"pad": "<pad>", "eos": "<eos>", "bos": "<bos>", "unk": "<unk>"},
    ),
}
TOKENIZERS["mpnet"] = TOKENIZERS["roberta"]
TOKENIZERS["mistral"] = TOKENIZERS["llama"]


def make_tokenizer(family):
    """A fast tokenizer with a real vocabulary of a few hundred pieces."""
    from transformers import PreTrainedTokenizerFast

    build, single, names = TOKENIZERS[family]
    tokenizer, trainer = build()
    tokenizer.train_from_iterator(SENTENCES, trainer)
    if single is not None:
        _template(tokenizer, single, [part for part in single.split() if part != "$A"])
    tokens = {f"{name}_token": token for name, token in names.items()}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **tokens)


@pytest.fixture(scope="session")
def tokenizer_of():
    """A function from a family's name to a tokenizer that was trained on a few sentences."""
    return make_tokenizer


def _sizes(tokenizer, **more):
    return {"vocab_size": len(tokenizer), "hidden_size": 32, "num_attention_heads": 4} | more


N_LAYERS = 3


def _masked_config(name, tokenizer, n_positions=66, **more):
    import transformers

    sizes = _sizes(tokenizer, num_hidden_layers=N_LAYERS, intermediate_size=48)
    return getattr(transformers, name)(**sizes, max_position_embeddings=n_positions, **more)


def _decoder_config(name, tokenizer, **more):
    import transformers

    sizes = _sizes(tokenizer, num_hidden_layers=N_LAYERS, intermediate_size=48)
    return getattr(transformers, name)(
        **sizes,
        num_key_value_heads=2,
        max_position_embeddings=64,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        **more,
    )


def _bloom_config(tokenizer):
    from transformers import BloomConfig

    return BloomConfig(vocab_size=len(tokenizer), hidden_size=32, n_layer=N_LAYERS, n_head=4, pad_token_id=3)


def _t5_config(tokenizer):
    from transformers import T5Config

    sizes = {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": N_LAYERS, "num_heads": 4}
    tokens = {"decoder_start_token_id": 0, "pad_token_id": 0, "eos_token_id": 1}
    return T5Config(vocab_size=len(tokenizer), **sizes, **tokens)


# RoBERTa and its like count positions from 2 on, so 66 positions are 64 tokens
CONFIGS = {
    "bert": lambda tokenizer: _masked_config("BertConfig", tokenizer, 64),
    "roberta": lambda tokenizer: _masked_config("RobertaConfig", tokenizer, pad_token_id=1),
    "xlm-r": lambda tokenizer: _masked_config("XLMRobertaConfig", tokenizer, pad_token_id=1),
    "mpnet": lambda tokenizer: _masked_config("MPNetConfig", tokenizer, pad_token_id=1),
    "llama": lambda tokenizer: _decoder_config("LlamaConfig", tokenizer),
    "mistral": lambda tokenizer: _decoder_config("MistralConfig", tokenizer, sliding_window=8),
    "gemma": lambda tokenizer: _decoder_config("GemmaConfig", tokenizer, head_dim=8, pad_token_id=0),
    "bloom": _bloom_config,
    "t5": _t5_config,
}


def make_checkpoint(folder: Path, family: str):
    """A tiny model of one architecture with seeded random weights and its tokenizer, saved in `folder`."""
    import torch
    from transformers import AutoModel

    tokenizer = make_tokenizer(family)
    torch.manual_seed(0)
    model = AutoModel.from_config(CONFIGS[family](tokenizer))
    with torch.no_grad():  # initial weights are so small that all texts would look alike
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1 and "norm" not in name.lower():
                parameter.normal_(0.0, 0.25)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """A function from a family's name to the folder of a tiny checkpoint, made once a session."""
    made = {}

    def get(family):
        if family not in made:
            made[family] = make_checkpoint(tmp_path_factory.mktemp(family.replace("-", "")), family)
        return made[family]

    return get


@pytest.fixture
def edit_json():
    """A function that changes keys of a JSON file."""

    def edit(path, **changes):
        path = Path(path)
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return edit


@pytest.fixture
def fresh_checkpoint(tmp_path, checkpoint, edit_json):
    """A function that copies a tiny checkpoint for a test that changes it; options go to its tokenizer."""

    def make(family, **tokenizer_options):
        folder = shutil.copytree(checkpoint(family), tmp_path / family)
        if tokenizer_options:
            edit_json(folder / "tokenizer_config.json", **tokenizer_options)
        return folder

    return make


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def causal_config():
    """A function from a family's name and its tokenizer to the configuration of a tiny model."""
    return lambda family, tokenizer: CONFIGS[family](tokenizer)
