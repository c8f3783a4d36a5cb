import numpy as np
import pandas as pd
import pytest

from suffice.data.corpus import Corpus
from suffice.embed.training.masked_language_model import (
    UNMASKED,
    MaskedLanguageModelSettings,
    epoch_batches,
    masked_batch,
    train_masked_language_model,
)
from suffice.embed.training.wordpiece import MASK, N_SPECIAL, PAD
from suffice.errors import ModelError
from suffice.storage.files import sha256_of_file, write_table

torch = pytest.importorskip("torch", reason="needs the text extra")
transformers = pytest.importorskip("transformers", reason="needs the text extra")

SUBJECTS = ["the old cat", "a young dog", "the grey horse", "one small sheep"]
VERBS = ["sees", "follows", "greets", "avoids"]
OBJECTS = ["the red house", "a wide river", "the green hill", "an empty road"]
TINY = MaskedLanguageModelSettings(
    vocab_size=90,
    hidden_size=16,
    n_layers=1,
    n_heads=2,
    max_length=16,
    batch_size=8,
    learning_rate=1e-2,
    warmup=5,
    steps=(0, 20, 60),
)


def corpus_of(folder, contents, split=None):
    n_items = len(contents)
    ids = [str(i) for i in range(n_items)]
    split = split or ["train", "train", "test"] * (n_items // 3 + 1)
    table = pd.DataFrame({"id": ids, "content": contents, "group": ids, "split": split[:n_items]})
    folder.mkdir(parents=True, exist_ok=True)
    write_table(table, folder / "toy.parquet")
    return Corpus(folder / "toy.parquet")


def sentences(n_items=200, seed=0):
    rng = np.random.default_rng(seed)
    return [f"{rng.choice(SUBJECTS)} {rng.choice(VERBS)} {rng.choice(OBJECTS)}" for _ in range(n_items)]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return corpus_of(tmp_path_factory.mktemp("corpus"), sentences())


@pytest.fixture(scope="module")
def trained(corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("training") / "model"
    return folder, train_masked_language_model(corpus, TINY, folder, seed=0)


def files_of(folder):
    return {
        str(path.relative_to(folder)): sha256_of_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_held_out_loss_falls_from_checkpoint_to_checkpoint(trained):
    _, history = trained
    saved = history.dropna(subset="held_out_loss_nats")
    assert saved["step"].tolist() == [0, 20, 60]
    losses = saved["held_out_loss_nats"].to_numpy()
    # untrained, scores are near N(0, 1), which adds half a nat to the loss of a uniform guess
    assert losses[0] == pytest.approx(np.log(len(vocabulary(trained[0]))) + 0.5, abs=0.4)
    assert losses[1] < losses[0] - 0.3
    assert losses[2] < losses[1] - 0.3


def vocabulary(folder):
    return transformers.AutoTokenizer.from_pretrained(folder / "step-0").get_vocab()


def test_the_history_on_disk_is_the_one_returned(trained):
    folder, history = trained
    pd.testing.assert_frame_equal(pd.read_csv(folder / "history.csv"), history, check_dtype=False)
    assert history["step"].tolist() == [0, 20, 50, 60]
    assert history["loss_nats"].isna().tolist() == [True, False, False, False]


def test_a_checkpoint_loads_as_model_and_tokenizer(trained):
    folder, _ = trained
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder / "step-60")
    model = transformers.AutoModel.from_pretrained(folder / "step-60")
    encoded = tokenizer(["The old CAT sees"], return_tensors="pt")
    assert tokenizer.convert_ids_to_tokens(encoded["input_ids"][0].tolist())[0] == "[CLS]"
    assert "[UNK]" not in tokenizer.convert_ids_to_tokens(encoded["input_ids"][0].tolist())
    assert tokenizer.model_max_length == 16
    hidden = model(input_ids=encoded["input_ids"], attention_mask=encoded["attention_mask"]).last_hidden_state
    assert hidden.shape == (1, encoded["input_ids"].shape[1], 16)
    assert (folder / "step-60" / "model.safetensors").is_file()


def test_checkpoints_have_different_weights_and_one_tokenizer(trained):
    files = files_of(trained[0])
    assert len({files[f"step-{n}/model.safetensors"] for n in TINY.steps}) == 3
    assert len({files[f"step-{n}/tokenizer.json"] for n in TINY.steps}) == 1


def test_the_same_seed_gives_the_same_bytes_and_leaves_torch_s_generator_alone(corpus, trained, tmp_path):
    torch.manual_seed(5)
    expected = torch.random.get_rng_state()
    train_masked_language_model(corpus, TINY, tmp_path / "again", seed=0)
    assert torch.equal(torch.random.get_rng_state(), expected)
    assert files_of(tmp_path / "again") == files_of(trained[0])


def test_another_seed_gives_another_model(corpus, trained, tmp_path):
    settings = TINY.model_copy(update={"steps": (0,)})
    train_masked_language_model(corpus, settings, tmp_path / "other", seed=1)
    other, first = (
        files_of(folder)["step-0/model.safetensors"] for folder in (tmp_path / "other", trained[0])
    )
    assert other != first


def test_the_test_split_is_never_seen(tmp_path, trained):
    contents = [c if i % 3 < 2 else "the cat sees the road" for i, c in enumerate(sentences())]
    train_masked_language_model(corpus_of(tmp_path, contents), TINY, tmp_path / "model", seed=0)
    found, expected = files_of(tmp_path / "model"), files_of(trained[0])
    found.pop("history.csv"), expected.pop("history.csv")
    assert found == expected


def test_an_earlier_training_is_replaced_and_anything_else_is_not(corpus, tmp_path):
    settings = TINY.model_copy(update={"steps": (0,)})
    folder = tmp_path / "model"
    train_masked_language_model(corpus, settings, folder, seed=0)
    (folder / "step-9").mkdir()
    train_masked_language_model(corpus, settings, folder, seed=0)
    assert sorted(path.name for path in folder.iterdir()) == ["history.csv", "step-0"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("text")
    with pytest.raises(ModelError, match="is not an earlier training"):
        train_masked_language_model(corpus, settings, mine, seed=0)
    assert (mine / "thesis.txt").read_text() == "text"


def test_a_failed_training_leaves_nothing(corpus, tmp_path):
    settings = TINY.model_copy(update={"learning_rate": 1e38})
    with pytest.raises(ModelError, match=r"loss is (nan|inf) at step \d+; lower learning_rate"):
        train_masked_language_model(corpus, settings, tmp_path / "model", seed=0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("split", ["train", "test"])
def test_an_empty_split_is_refused(tmp_path, split):
    corpus = corpus_of(tmp_path, sentences(10), [split] * 10)
    with pytest.raises(ModelError, match="no items in the split"):
        train_masked_language_model(corpus, TINY, tmp_path / "model", seed=0)


def test_masks_follow_the_shares_and_spare_special_tokens():
    rng = np.random.default_rng(0)
    items = [[2, *rng.integers(N_SPECIAL, 1000, rng.integers(5, 40)).tolist(), 3] for _ in range(500)]
    batch = masked_batch(items, 0.15, 1000, np.random.default_rng(1))
    tokens = np.full(batch.inputs.shape, PAD)
    for row, item in enumerate(items):
        tokens[row, : len(item)] = item
    inputs, targets = batch.inputs.numpy(), batch.targets.numpy()
    chosen = targets != UNMASKED
    assert chosen.sum() == round(0.15 * (tokens >= N_SPECIAL).sum())
    assert (tokens[chosen] >= N_SPECIAL).all()
    np.testing.assert_array_equal(targets[chosen], tokens[chosen])
    np.testing.assert_array_equal(inputs[~chosen], tokens[~chosen])
    np.testing.assert_array_equal(batch.attention.numpy(), tokens != PAD)
    # about 1600 chosen tokens: the standard error of a share near 0.8 is 0.01, of one near 0.1 0.0075
    assert (inputs[chosen] == MASK).mean() == pytest.approx(0.8, abs=0.04)
    assert (inputs[chosen] == tokens[chosen]).mean() == pytest.approx(0.1, abs=0.03)


def test_the_shortest_item_still_has_one_token_to_predict():
    batch = masked_batch([[2, 7, 3]], 0.15, 10, np.random.default_rng(0))
    assert (batch.targets.numpy() != UNMASKED).tolist() == [[False, True, False]]


def test_an_epoch_has_every_item_once_in_batches_of_like_length():
    rng = np.random.default_rng(0)
    lengths = rng.integers(5, 100, 1000)
    batches = epoch_batches(lengths, 10, rng)
    assert sorted(np.concatenate(batches)) == list(range(1000))
    assert max(map(len, batches)) == 10
    padded = sum(lengths[batch].max() * len(batch) for batch in batches)
    shuffled = [rng.permutation(1000)[i : i + 10] for i in range(0, 1000, 10)]
    # lengths from 5 to 99 within 160 sorted items: neighbours of ten differ by about six tokens
    assert padded < 1.15 * lengths.sum() < sum(lengths[batch].max() * len(batch) for batch in shuffled)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": (0, 5, 5)}, "steps must be increasing whole numbers"),
        ({"steps": ()}, "steps must be"),
        ({"steps": (-1, 5)}, "steps must be"),
        ({"hidden_size": 100, "n_heads": 3}, r"hidden_size \(100\) must be a multiple of n_heads \(3\)"),
        ({"steps": (0, 50), "warmup": 50}, r"warmup \(50\) must be smaller"),
        ({"mask_share": 0.0}, "greater than 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        MaskedLanguageModelSettings(**settings)
