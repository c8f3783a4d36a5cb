"""What is checked when an encoder is opened: one vector a text, and the tokenizer that the files ask for."""

import json

import numpy as np
import pytest

from suffice.embed.batches import BatchRunner
from suffice.embed.hidden_states import HiddenStates, HiddenStatesSettings
from suffice.embed.promises import keep_promises
from suffice.embed.self_check import check_batches, encoding_errors
from suffice.errors import ModelError

TEXTS = ["rain fell", "two herons waited at the weir", "no", "sort the rows by date and keep the latest one"]


class Toy:
    """An encoder whose vectors may depend on the longest text of the batch, on its size, or on the past."""

    def __init__(self, *, length=0.0, size=0.0, past=0.0, noise=0.0):
        self.length, self.size, self.past, self.noise = length, size, past, noise
        self.batches = BatchRunner(8, "toy")
        self.n_seen = 0
        self.rng = np.random.default_rng(0)

    def encode_together(self, texts):
        self.n_seen += 1
        base = np.array([[len(text), 1.0, text.count("e")] for text in texts])
        padding = max(map(len, texts)) - np.array([[len(text)] for text in texts])
        leak = self.length * padding + self.size * (len(texts) - 1) + self.past * self.n_seen
        return base + leak + self.noise * self.rng.normal(size=base.shape)


def checked(**faults):
    toy = Toy(**faults)
    return toy, check_batches(toy, 64, "float32", "toy")


def test_a_model_without_faults_is_left_as_it_is():
    toy, said = checked()
    assert said == [] and not toy.batches.one_length and toy.batches.batch_size == 8


def test_padding_that_reaches_vectors_makes_batches_of_one_length():
    toy, (sentence,) = checked(length=0.1)
    assert toy.batches.one_length and toy.batches.batch_size == 8
    assert "one length are encoded together" in sentence and "batch_size 1" in sentence


def test_neighbours_that_reach_vectors_make_batches_of_one_text():
    toy, (sentence,) = checked(size=0.5)
    assert toy.batches.batch_size == 1 and "one by one" in sentence
    assert toy.batches.warnings() == []  # it is not memory that was short


@pytest.mark.parametrize("fault", [{"past": 0.1}, {"noise": 0.1}])
def test_memory_and_chance_are_refused(fault):
    with pytest.raises(ModelError, match="different vectors for texts after others"):
        checked(**fault)


@pytest.mark.parametrize("leak", [1e-7, 1e-2])
def test_rounding_is_no_fault(leak):
    toy, said = checked(length=leak)
    assert bool(said) == (leak > 1e-4)


def test_a_check_without_memory_is_said():
    class Small(Toy):
        def encode_together(self, texts):
            raise MemoryError

    assert "not enough memory" in check_batches(Small(), 64, "float32", "toy")[0]


def test_batches_of_one_length():
    runner, seen = BatchRunner(3, "toy"), []
    runner.one_length = True
    lengths = [5, 2, 5, 5, 2, 5, 7]

    def encode(batch):
        seen.append([lengths[item] for item in batch])
        return np.array([[float(item)] for item in batch])

    np.testing.assert_array_equal(runner.run(encode, lengths)[:, 0], np.arange(7))
    assert seen == [[7], [5, 5, 5], [5], [2, 2]]


@pytest.mark.parametrize(
    "error", [TypeError("'NoneType'"), RuntimeError("size of tensor a"), KeyError("pixel_values")]
)
def test_errors_of_libraries_name_checkpoint_loader_and_remedy(error):
    with pytest.raises(ModelError, match="'c' was loaded by hidden_states.*loader sentence_transformer"):
        with encoding_errors("c", "hidden_states"):
            raise error


def open_hidden_states(folder, **settings):
    encoder = HiddenStates(HiddenStatesSettings(checkpoint=str(folder), **settings)).open(None)
    return encoder, encoder.warnings()


ARCHITECTURES = {
    "fnet": ("FNetConfig", {}),
    "convbert": ("ConvBertConfig", {"embedding_size": 32}),
    "canine": (
        "CanineConfig",
        {"downsampling_rate": 2, "local_transformer_stride": 8, "num_hash_buckets": 64},
    ),
}


@pytest.fixture(params=ARCHITECTURES)
def leaking(request, tmp_path):
    """A tiny checkpoint of an architecture in which padding may reach the tokens."""
    import torch
    import transformers
    from embed.conftest import make_tokenizer

    name, more = ARCHITECTURES[request.param]
    tokenizer = make_tokenizer("bert")
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
    config = getattr(transformers, name)(
        vocab_size=len(tokenizer), **sizes, max_position_embeddings=128, **more
    )
    torch.manual_seed(0)
    model = transformers.AutoModel.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0.0, 0.25)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    return tmp_path


def test_vectors_of_any_architecture_do_not_depend_on_the_batch(leaking, window):
    encoder, _ = open_hidden_states(leaking, batch_size=16)
    together = encoder.encode(window(TEXTS))
    alone = np.vstack([encoder.encode(window([text])) for text in TEXTS])
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("family", ["bert", "roberta", "llama", "t5"])
def test_sound_architectures_are_not_slowed(checkpoint, family):
    encoder, said = open_hidden_states(checkpoint(family))
    assert said == [] and not encoder.batches.one_length and encoder.n_truncated == 0


@pytest.mark.parametrize("family", ["llama", "gemma", "mistral"])
def test_an_end_token_that_the_files_ask_for_is_pooled(fresh_checkpoint, family, window):
    plain, warned = open_hidden_states(fresh_checkpoint(family), pooling="last_token")
    assert any("not the same special token" in sentence for sentence in warned)
    folder = plain.settings.checkpoint
    config = json.loads(open(f"{folder}/tokenizer_config.json").read())
    with open(f"{folder}/tokenizer_config.json", "w") as stream:
        json.dump(config | {"add_eos_token": True}, stream)
    encoder, (sentence,) = open_hidden_states(folder, pooling="last_token", max_length=6)
    eos = encoder.tokenizer.eos_token
    assert sentence.startswith(f"{eos} was added")
    for row in encoder._tokenize(TEXTS)["input_ids"]:  # also of texts that are cut
        assert row[-1] == encoder.tokenizer.eos_token_id and row.count(row[-1]) == 1 and len(row) <= 6


def test_a_first_token_is_added_before_the_others(checkpoint):
    from embed.conftest import make_tokenizer

    tokenizer = make_tokenizer("t5")
    tokenizer.bos_token = "<pad>"
    (sentence,) = keep_promises(tokenizer, {"add_bos_token": True})
    ids = tokenizer("rain fell")["input_ids"]
    assert ids[0] == tokenizer.bos_token_id and ids[-1] == tokenizer.eos_token_id and "<pad>" in sentence


def test_a_token_that_is_not_wanted_is_named():
    from embed.conftest import make_tokenizer

    (sentence,) = keep_promises(make_tokenizer("llama"), {"add_bos_token": False})
    assert "adds <s>, although" in sentence


@pytest.mark.parametrize("family", ["llama", "roberta"])
def test_small_letters_that_the_files_ask_for(family):
    from embed.conftest import make_tokenizer

    tokenizer = make_tokenizer(family)
    assert tokenizer("Rain FELL")["input_ids"] != tokenizer("rain fell")["input_ids"]
    (sentence,) = keep_promises(tokenizer, {"do_lower_case": True})
    assert tokenizer("Rain FELL")["input_ids"] == tokenizer("rain fell")["input_ids"]
    assert "do_lower_case" in sentence
    assert keep_promises(tokenizer, {"do_lower_case": True}) == []


def test_length_and_side_of_the_files_hold():
    from embed.conftest import make_tokenizer

    tokenizer = make_tokenizer("bert")
    said = keep_promises(tokenizer, {"model_max_length": 16, "padding_side": "left"})
    assert (tokenizer.model_max_length, tokenizer.padding_side) == (16, "left") and len(said) == 2
    assert keep_promises(tokenizer, {"model_max_length": 10**30, "padding_side": "left"}) == []
