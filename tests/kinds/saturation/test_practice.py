"""Models of real text with one held-out loss: training, what they are asked, and how their answers differ."""

import numpy as np
import pandas as pd
import pytest
import torch

from suffice.errors import DataError
from suffice.kinds.saturation.multiplicity import (
    calibration_error,
    differ,
    edit_distances,
    held_out_range,
    kendall_taus,
    neighbours_not_shared,
    pair_mean,
)
from suffice.kinds.saturation.networks import NetworkSize, build_network
from suffice.kinds.saturation.practice_tables import (
    ALL,
    BY_ACCURACY,
    CHOICE,
    ORDER,
    POSITIONS,
    START,
    TOKEN,
    Asked,
    choice_table,
    ensemble_table,
)
from suffice.kinds.saturation.real_texts import (
    PARTS,
    TEST,
    TRAIN,
    TextSettings,
    open_texts,
    texts_of,
    write_texts,
)
from suffice.kinds.saturation.text_models import (
    TextModelSettings,
    ask,
    candidates,
    choice_nats,
    greedy,
    row_losses,
    train_to_loss,
)

SMALL = TextSettings(
    packages=("one",), other_package="two", vocab_size=100, context=16, prompt_tokens=6,
    continuation_tokens=3, n_prompts=20, n_rows=20,
)  # fmt: skip
WORDS = ("rows", "columns", "arrays", "values", "of", "the", "sorted", "matrix", "with", "zeros")


def paragraphs():
    rng = np.random.default_rng(0)
    rows = [
        {
            "content": " ".join(rng.choice(WORDS, 12)) + ".",
            "package": "two" if part == PARTS[3] else "one",
            "part": part,
        }
        for part in PARTS
        for _ in range(60)
    ]
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def texts():
    return texts_of(paragraphs(), SMALL, seed=0)


def test_texts_are_rows_prompts_and_paragraphs_and_survive_the_disk(texts, tmp_path):
    assert set(texts.rows) == set(PARTS) and texts.rows[TRAIN].shape[1] == 17
    assert texts.prompts[TEST].shape == (20, 9) and texts.paragraphs.shape == (20, 16)
    assert texts.rows[TRAIN].max() < texts.n_tokens
    write_texts(texts, tmp_path / "texts.safetensors")
    again = open_texts(tmp_path / "texts.safetensors")
    assert again.n_tokens == texts.n_tokens and (again.subjects == texts.subjects).all()
    assert all((again.rows[part] == texts.rows[part]).all() for part in PARTS)


def test_too_few_paragraphs_are_an_error():
    few = paragraphs().groupby("part").head(60).query("part != 'test'")
    with pytest.raises(DataError, match="the part 'test' of the texts has 0 tokens; add packages"):
        texts_of(few, SMALL, seed=0)


def test_training_ends_at_the_target_on_rows_that_it_does_not_learn(texts):
    settings = TextModelSettings(
        texts=SMALL, learning_rate=0.02, max_steps=60, check_every=5, target_nats=3.5
    )
    size = NetworkSize(texts.n_tokens, 16, 16, 1)
    check = texts.rows["check"]
    made = [
        train_to_loss(build_network(name, size, 0), texts.rows[TRAIN], check, settings, order)
        for name, order in (("transformer-learned", 0), ("transformer-learned", 1), ("gru", 0))
    ]
    for trained in made:
        assert trained.reached and trained.check_nats == pytest.approx(3.5, abs=5e-4)
        assert row_losses(trained.network, check).mean() == pytest.approx(trained.check_nats)
    first, second = (torch.cat([p.flatten() for p in each.network.parameters()]) for each in made[:2])
    assert not torch.allclose(first, second)  # another order of the data
    never = settings.model_copy(update={"target_nats": 0.01, "max_steps": 5})
    assert not train_to_loss(build_network("gru", size, 0), texts.rows[TRAIN], check, never, 0).reached


def test_answers_are_those_of_the_network(texts):
    network = build_network("transformer-rotary", NetworkSize(texts.n_tokens, 16, 16, 1), 0).eval()
    settings = TextModelSettings(texts=SMALL, n_candidates=4)
    answers = ask(network, texts, settings, seed=0)
    prompts = torch.as_tensor(texts.prompts[TEST])
    with torch.no_grad():
        logits = network(prompts[:1, :6])[0, -1]
        whole = network(prompts[:1, :8]).log_softmax(2)[0]
    assert answers["test/greedy"][0, 0] == logits.argmax() == answers["test/next"][0].argmax()
    nats = sum(float(whole[place, prompts[0, place + 1]]) for place in (5, 6, 7))
    assert answers["test/choices"][0, 0] == pytest.approx(nats, abs=1e-5)
    assert answers["test/greedy"].shape == (20, 3) and answers["states"].shape == (20, 16)
    assert answers["test/loss"] == pytest.approx(row_losses(network, texts.rows[TEST]), abs=1e-5)
    with torch.no_grad():
        chances = network(torch.as_tensor(texts.rows[TEST][:1, :-1])).softmax(2)[0].max(1)
    assert answers["test/confidence"][0] == pytest.approx(chances.values.numpy(), abs=1e-5)
    assert (answers["test/right"][0] == (chances.indices.numpy() == texts.rows[TEST][0, 1:])).all()


def test_candidates_begin_with_the_true_one_and_have_no_prompt_twice():
    prompts = torch.arange(30).reshape(10, 3)
    found = candidates(prompts, n_given=2, n_candidates=5, seed=0)
    assert (found[:, 0] == prompts).all() and (found[:, :, :2] == prompts[:, None, :2]).all()
    assert all(len(set(row.tolist())) == 5 for row in found[:, :, 2])
    with torch.no_grad():
        network = build_network("gru", NetworkSize(30, 8, 8, 1), 0)
        assert greedy(network, prompts[:, :2], 3).shape == (10, 3)
        assert choice_nats(network, found, 2).shape == (10, 5)


def test_differences_of_answers_have_known_values():
    answers = np.array([[[1, 2, 3, 4], [1, 1, 1, 1]], [[2, 3, 4, 5], [1, 1, 1, 1]]])
    assert (differ(answers)[0, 1] == [1, 0]).all() and (differ(answers[..., 0])[0, 1] == [1, 0]).all()
    assert (edit_distances(answers)[0, 1] == [0.5, 0]).all()  # drop the first, add the last
    scores = np.array([[[3.0, 2.0, 1.0]], [[3.0, 1.0, 2.0]], [[1.0, 2.0, 3.0]]])
    taus = kendall_taus(scores)[..., 0]
    assert taus[0] == pytest.approx([1, 1 / 3, -1]) and (taus == taus.T).all()
    states = np.random.default_rng(0).normal(size=(2, 200, 4))
    states[1, :100] = 2 * states[0, :100]
    apart = neighbours_not_shared(states, 10)
    assert (apart[0, 0] == 0).all() and 0.5 < apart[0, 1].mean() < 1
    independent = neighbours_not_shared(np.random.default_rng(1).normal(size=(2, 400, 8)), 10)[0, 1]
    assert independent.mean() == pytest.approx(1 - 10 / 399, abs=0.01)


def test_the_calibration_error_is_the_gap_of_confidence_and_accuracy():
    confidence = np.full(1000, 0.7)
    assert calibration_error(confidence, np.arange(1000) < 700) == pytest.approx(0, abs=1e-9)
    assert calibration_error(confidence, np.arange(1000) < 500) == pytest.approx(0.2)
    assert calibration_error(np.ones(10), np.zeros(10, dtype=bool)) == 1


def test_intervals_over_models_and_items_cover_the_truth():
    """Models answer yes with a probability of their own: 95 % intervals include the mean of all models."""
    rng, inside = np.random.default_rng(0), 0
    truth = 2 * 0.5 * 0.5  # 2 E[p] E[1 - p] of two models with independent p
    for number in range(40):
        answers = (rng.random((10, 100)) < rng.uniform(0.25, 0.75, (10, 1))).astype(int)
        found = pair_mean(differ(answers), np.ones((10, 10), dtype=bool), 300, number)
        inside += found["low"] <= truth <= found["high"]
    assert found["n_pairs"] == 45 and inside >= 33  # 40 draws of 0.95 have fewer in 1 of 1,000


def test_a_range_of_noise_is_zero_and_a_true_one_is_found():
    rng = np.random.default_rng(0)
    noise = held_out_range(rng.normal(size=(8, 400)), 100, 0)
    assert abs(noise["range"]) < 0.1 < noise["most"] - noise["least"]
    true = held_out_range(rng.normal(size=(2, 400)) + [[0.0], [1.0]], 100, 0)
    assert true["range"] == pytest.approx(1, abs=0.25)


def asked_of(right):
    """Models that rank the true one of two continuations first where `right` is true."""
    n_models, n_items = right.shape
    runs = pd.DataFrame(
        {"model": [f"m{i}" for i in range(n_models)], "architecture": ["a", "a", "a", "b"] * (n_models // 4),
         "start": [0, 1, 0, 0] * (n_models // 4), "order": [0, 0, 1, 0] * (n_models // 4)}
    )  # fmt: skip
    scores = np.stack([np.where(right, -1.0, -3.0), np.full(right.shape, -2.0)], axis=2)
    answers = {
        f"m{i}/{domain}/choices": scores[i] for i in range(n_models) for domain in ("test", "other package")
    }
    chances = np.exp(scores) / np.exp(scores).sum(2, keepdims=True)
    answers |= {
        f"m{i}/{domain}/next": chances[i] for i in range(n_models) for domain in ("test", "other package")
    }
    return Asked(runs, answers)


def test_pairs_are_named_by_what_differs():
    kinds = asked_of(np.ones((4, 10), dtype=bool)).kinds
    assert {name: int(wanted.sum()) // 2 for name, wanted in kinds.items()} == {
        ALL: 6, ORDER: 1, START: 1, POSITIONS: 1,
    }  # fmt: skip
    assert kinds[START][0, 1] and kinds[ORDER][0, 2] and kinds[POSITIONS][0, 3]


def test_ensembles_of_independent_models_differ_less():
    right = np.random.default_rng(0).random((16, 300)) < 0.8
    table = ensemble_table(asked_of(right), 0).query("domain == 'test' and question == @CHOICE")
    means = table.set_index("n_members")["mean"]
    assert means[1] == pytest.approx(2 * 0.8 * 0.2, abs=0.03) and means[8] < means[1] / 2
    assert set(ensemble_table(asked_of(right), 0)["question"]) == {TOKEN, CHOICE}


def test_labels_find_a_model_that_is_better_and_nothing_where_none_is():
    rng = np.random.default_rng(0)
    right = rng.random((8, 300)) < np.array([0.9, *[0.5] * 7])[:, None]
    found = choice_table(asked_of(right), (50, 100), 0).set_index(["n_labels", "by"]).loc[(50, BY_ACCURACY)]
    assert found["mean"] == pytest.approx(right[0].mean() - right.mean(), abs=0.01) == found["best"]
    assert found["agreement"] > 0.98
    equal = choice_table(asked_of(rng.random((8, 300)) < 0.7), (50,), 0).iloc[0]
    assert abs(equal["mean"]) < 0.04 and equal["agreement"] < 0.5
