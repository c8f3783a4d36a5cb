"""Hidden states of every architecture: pooling, padding, layers, truncation, and loading without noise."""

import logging

import numpy as np
import pytest
import torch

from suffice.embed.hidden_states import HiddenStates, HiddenStatesSettings, pool
from suffice.embed.identity import embedding_identity
from suffice.errors import ModelError

FAMILIES = ["bert", "roberta", "mpnet", "xlm-r", "t5", "bloom", "llama", "mistral", "gemma"]
TOLERANCE = 1e-5  # float32 sums in another order; the vectors have entries of about 1


def open_encoder(folder, corpus=None, seed=0, **settings):
    return HiddenStates(HiddenStatesSettings(checkpoint=str(folder), **settings), seed=seed).open(corpus)


def hidden_states_one_by_one(folder, texts, max_length=62):
    """All hidden states of each text, by the plainest use: a text at a time and so without padding."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    model = model.get_encoder() if model.config.is_encoder_decoder else model
    with torch.inference_mode():
        return [
            model(
                input_ids=tokenizer(text, truncation=True, max_length=max_length, return_tensors="pt")[
                    "input_ids"
                ],
                output_hidden_states=True,
            ).hidden_states
            for text in texts
        ]


@pytest.fixture(scope="module")
def one_by_one(checkpoint, sentences):
    """A function that gives the expected vectors of all sentences: family, pooling, layer."""
    known = {}

    def get(family, pooling="mean", layer=-1):
        if family not in known:
            known[family] = hidden_states_one_by_one(checkpoint(family), sentences)
        return pooled_by_hand([states[layer][0] for states in known[family]], pooling)

    return get


def pooled_by_hand(items, pooling):
    pick = {"mean": lambda x: x.mean(0), "cls": lambda x: x[0], "last_token": lambda x: x[-1]}[pooling]
    return np.stack([pick(item).numpy() for item in items])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("pooling", ["mean", "cls", "last_token"])
def test_equals_one_by_one_without_padding(family, pooling, checkpoint, one_by_one, sentences, window):
    encoder = open_encoder(checkpoint(family), pooling=pooling, batch_size=5, max_length=62)
    vectors = encoder.encode(window(sentences))
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(sentences), 32) == (len(sentences), encoder.embed_dim)
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(vectors, one_by_one(family, pooling), atol=TOLERANCE)


@pytest.mark.parametrize("family", FAMILIES)
def test_neither_batch_size_nor_neighbours_change_a_vector(family, checkpoint, sentences, window):
    folder = checkpoint(family)
    alone = open_encoder(folder, batch_size=1).encode(window(sentences))
    together = open_encoder(folder, batch_size=64).encode(window(sentences))
    np.testing.assert_allclose(together, alone, atol=TOLERANCE)
    among_others = open_encoder(folder, batch_size=3).encode(window(sentences[::-1][:7]))
    np.testing.assert_allclose(among_others, alone[::-1][:7], atol=TOLERANCE)
    assert np.abs(alone[0] - alone[1]).max() > 100 * TOLERANCE  # texts do differ by more than that


@pytest.mark.parametrize("family", ["bert", "llama", "bloom"])
@pytest.mark.parametrize("pooling", ["cls", "last_token", "mean"])
def test_a_tokenizer_that_pads_on_the_left_changes_nothing(
    family, pooling, checkpoint, fresh_checkpoint, sentences, window
):
    left = fresh_checkpoint(family, padding_side="left")
    vectors = open_encoder(left, pooling=pooling, batch_size=8).encode(window(sentences))
    expected = open_encoder(checkpoint(family), pooling=pooling, batch_size=1).encode(window(sentences))
    np.testing.assert_allclose(vectors, expected, atol=TOLERANCE)


@pytest.mark.parametrize("side", ["left", "right"])
def test_pool_never_takes_padding(side):
    tokens = torch.tensor([[1.0, 3.0], [2.0, 5.0], [6.0, 1.0]])
    padding = torch.full((2, 2), float("nan"))  # would spoil every result it entered
    parts = [padding, tokens] if side == "left" else [tokens, padding]
    mask = torch.tensor([[0, 0, 1, 1, 1]] if side == "left" else [[1, 1, 1, 0, 0]])
    hidden = torch.cat(parts)[None]
    assert pool(hidden, mask, "cls").tolist() == [[1.0, 3.0]]
    assert pool(hidden, mask, "last_token").tolist() == [[6.0, 1.0]]
    assert pool(hidden, mask, "mean").tolist() == [[3.0, 3.0]]


def test_tokenizer_without_pad_token(checkpoint, one_by_one, sentences, window):
    encoder = open_encoder(checkpoint("llama"), batch_size=8, max_length=62)
    assert encoder.tokenizer.pad_token_id is None
    np.testing.assert_allclose(encoder.encode(window(sentences)), one_by_one("llama"), atol=TOLERANCE)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("layer, n_kept", [(0, 1), (1, 2), (-2, 3)])
def test_layers_above_are_dropped_and_change_nothing(
    family, layer, n_kept, checkpoint, one_by_one, sentences, window
):
    encoder = open_encoder(checkpoint(family), layer=layer)
    expected = one_by_one(family, layer=layer)
    np.testing.assert_allclose(encoder.encode(window(sentences)), expected, atol=TOLERANCE)
    stacks = [module for module in encoder.model.modules() if isinstance(module, torch.nn.ModuleList)]
    assert n_kept in [len(stack) for stack in stacks]


@pytest.mark.parametrize("layer", [4, -5])
def test_layer_that_does_not_exist(layer, checkpoint):
    with pytest.raises(ModelError, match=rf"layer {layer} does not exist.*0 to 3"):
        open_encoder(checkpoint("bert"), layer=layer)


def test_truncated_items_are_counted(checkpoint, sentences, window):
    encoder = open_encoder(checkpoint("bert"), max_length=8, batch_size=4)
    encoder.encode(window(sentences))
    encoder.encode(window(sentences[:2]))
    long = [len(encoder.tokenizer(text)["input_ids"]) > 8 for text in sentences]
    assert 0 < sum(long) < len(sentences)
    assert encoder.n_truncated == sum(long) + sum(long[:2])
    states = hidden_states_one_by_one(checkpoint("bert"), sentences, max_length=8)
    expected = pooled_by_hand([state[-1][0] for state in states], "mean")
    np.testing.assert_allclose(encoder.encode(window(sentences)), expected, atol=TOLERANCE)


@pytest.mark.parametrize("family, limit", [("bert", 64), ("roberta", 64), ("mpnet", 64), ("llama", 64)])
def test_default_length_is_the_models_limit(family, limit, checkpoint, window):
    encoder = open_encoder(checkpoint(family))
    assert encoder.max_length == limit
    long_text = " ".join(["the wind is strong"] * 60)
    assert np.isfinite(encoder.encode(window([long_text]))).all()
    assert encoder.n_truncated == 1
    with pytest.raises(ModelError, match=f"max_length {limit + 1} is more than the {limit} positions"):
        open_encoder(checkpoint(family), max_length=limit + 1)


def test_relative_positions_have_no_limit(checkpoint):
    assert open_encoder(checkpoint("t5")).max_length == 512
    assert open_encoder(checkpoint("bloom"), max_length=2000).max_length == 2000


def test_items_without_tokens_give_zero_rows(checkpoint, window):
    encoder = open_encoder(checkpoint("bloom"))  # its tokenizer adds no special tokens
    vectors = encoder.encode(window(["", "rain fell", ""]))
    assert (np.abs(vectors).sum(axis=1) > 0).tolist() == [False, True, False]
    assert not encoder.encode(window(["", ""])).any()


def test_normalize(checkpoint, sentences, window):
    plain = open_encoder(checkpoint("bert")).encode(window(sentences))
    unit = open_encoder(checkpoint("bert"), normalize=True).encode(window(sentences))
    np.testing.assert_allclose(unit, plain / np.linalg.norm(plain, axis=1, keepdims=True), atol=1e-6)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_close_and_stored_as_float32(dtype, checkpoint, sentences, window):
    full = open_encoder(checkpoint("bert")).encode(window(sentences))
    half = open_encoder(checkpoint("bert"), dtype=dtype).encode(window(sentences))
    assert half.dtype == np.float32
    assert 0 < np.abs(half - full).max() < 0.2  # bfloat16 has 8 bits: 0.4 % an operation, some dozen of them


def test_random_weights_are_seeded_and_leave_the_global_generator_alone(checkpoint, sentences, window):
    before = torch.random.get_rng_state()
    first, again, other = (
        open_encoder(checkpoint("bert"), random_init=True, seed=seed).encode(window(sentences))
        for seed in (1, 1, 2)
    )
    trained = open_encoder(checkpoint("bert")).encode(window(sentences))
    assert torch.equal(torch.random.get_rng_state(), before)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01
    assert np.abs(first - trained).max() > 0.01


def test_identity_names_what_the_vectors_depend_on(checkpoint, fresh_checkpoint, edit_json):
    def identity(folder, seed=0, **settings):
        loader = HiddenStates(HiddenStatesSettings(checkpoint=str(folder), **settings), seed=seed)
        return embedding_identity(loader, "0" * 64)["loader"]

    folder = fresh_checkpoint("bert")
    assert identity(folder) == identity(
        checkpoint("bert"), seed=5
    )  # same bytes elsewhere; no use of the seed
    assert identity(folder, seed=1, random_init=True) != identity(folder, seed=2, random_init=True)
    assert "weights_sha256" not in identity(folder, random_init=True)
    before = identity(folder)
    edit_json(folder / "config.json", layer_norm_eps=1e-3)
    assert identity(folder) != before


def test_random_weights_have_no_hash():
    with pytest.raises(ValueError, match="sha256 names the trained weights"):
        HiddenStatesSettings(checkpoint="x", random_init=True, sha256="0" * 64)


def test_masked_language_model_loads_without_noise(tmp_path, sentences, window, capfd):
    """A checkpoint as a training stage saves it: a head that is not used, and no pooler."""
    from transformers import AutoTokenizer, BertForMaskedLM
    from transformers.utils import logging as transformers_logging

    from suffice.embed.loading import quiet

    tokenizer_folder = _save_masked_language_model(tmp_path)
    assert AutoTokenizer.from_pretrained(tokenizer_folder).pad_token == "[PAD]"
    verbosity, bars = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    handlers = logging.getLogger("transformers").handlers[:]
    capfd.readouterr()
    encoder = open_encoder(tmp_path)
    vectors = encoder.encode(window(sentences))
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""
    assert transformers_logging.get_verbosity() == verbosity
    assert transformers_logging.is_progress_bar_enabled() == bars
    assert logging.getLogger("transformers").handlers == handlers
    with quiet():
        model = BertForMaskedLM.from_pretrained(tmp_path).eval()
        ids = encoder.tokenizer(sentences[0], return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        expected = model.bert(input_ids=ids).last_hidden_state[0].mean(0)
    np.testing.assert_allclose(vectors[0], expected.numpy(), atol=TOLERANCE)


def _save_masked_language_model(folder):
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=120, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(["the wind is strong", "rain fell at the weir"], trainer)
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )
    sizes = {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 2, "intermediate_size": 16}
    torch.manual_seed(0)
    BertForMaskedLM(BertConfig(vocab_size=len(fast), **sizes)).save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


def test_missing_weights_are_an_error(fresh_checkpoint):
    from safetensors.torch import load_file, save_file

    folder = fresh_checkpoint("bert")
    weights = load_file(folder / "model.safetensors")
    lost = [name for name in weights if "layer.1.attention" in name]
    save_file({k: v for k, v in weights.items() if k not in lost}, folder / "model.safetensors")
    with pytest.raises(ModelError, match=rf"lacks {len(lost)} parameters.*attention"):
        open_encoder(folder)


def test_encoder_only_t5_checkpoint(tmp_path, checkpoint, sentences, window):
    from transformers import AutoTokenizer, T5EncoderModel

    T5EncoderModel.from_pretrained(checkpoint("t5")).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(checkpoint("t5")).save_pretrained(tmp_path)
    expected = open_encoder(checkpoint("t5")).encode(window(sentences))
    np.testing.assert_allclose(open_encoder(tmp_path).encode(window(sentences)), expected, atol=TOLERANCE)


@pytest.mark.parametrize("damage", ["truncate", "garbage config", "no tokenizer"])
def test_damaged_checkpoint(damage, fresh_checkpoint):
    folder = fresh_checkpoint("bert")
    weights = folder / "model.safetensors"
    if damage == "truncate":
        weights.write_bytes(weights.read_bytes()[:5000])
    elif damage == "garbage config":
        (folder / "config.json").write_text("{")
    else:
        for name in ("tokenizer.json", "tokenizer_config.json"):
            (folder / name).unlink()
    with pytest.raises(ModelError, match="cannot be loaded|has no vocabulary"):
        open_encoder(folder)


def test_device_that_is_not_there(checkpoint):
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    loader = HiddenStates(HiddenStatesSettings(checkpoint=str(checkpoint("bert"))), device="cuda")
    with pytest.raises(ModelError, match="device 'cuda' cannot be used"):
        loader.open(None)


def test_a_prompt_stands_before_each_item(checkpoint, window):
    with_prompt = open_encoder(checkpoint("bert"), prompt="rain fell ").encode(window(["twice a day", ""]))
    written = open_encoder(checkpoint("bert")).encode(window(["rain fell twice a day", ""]))
    np.testing.assert_array_equal(with_prompt, written)
