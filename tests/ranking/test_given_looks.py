"""Rankings from arrays of two looks: files, other items of a group, and what is said where there are none."""

import numpy as np
import pandas as pd
import pytest

from suffice import rank
from suffice.cli import main
from suffice.errors import EstimationError
from suffice.ranking.given_looks import arrange_looks

N_ITEMS, DIM = 600, 6


def pool(surface=1.0, seed=0, n_items=N_ITEMS):
    """Two looks by three models: of what both looks share, of part of it, and of what they do not share."""
    generator = np.random.default_rng(seed)
    shared = generator.normal(size=(n_items, DIM))
    looks = []
    for _ in range(2):
        own = generator.normal(size=(n_items, DIM))
        looks.append(
            {
                "meaning": np.hstack([shared + 0.3 * own, surface * own]),
                "half": np.hstack([shared[:, : DIM // 2], surface * own]),
                "surface": np.hstack([own, own**2]),
            }
        )
    return looks


def grouped(n_groups=200, size=3):
    """Items of groups, whose models see what the group shares and what is the item's own."""
    first, _ = pool(n_items=n_groups)
    generator = np.random.default_rng(1)
    groups = np.repeat(np.arange(n_groups), size)
    own = generator.normal(size=(len(groups), DIM))
    shared = generator.normal(size=(n_groups, DIM))[groups]
    return groups, {
        "meaning": np.hstack([shared + 0.3 * own, own]),
        "half": np.hstack([shared[:, : DIM // 2], own]),
        "surface": np.hstack([own, own**2]),
    }


def nats(pairs):
    """Nats of each pair, whatever the order of the table."""
    return pairs.set_index(["source", "target"])["nats"].to_dict()


def test_two_looks_value_what_they_share_and_one_look_values_surface():
    first, second = pool()
    two = rank(first, second, estimator="linear")
    assert two.table["model"].tolist() == ["meaning", "half", "surface"]
    assert set(two.pairs["looks"]) == {"files"}
    assert set(two.pairs["estimator"]) == {"linear"}
    pairs = two.pairs.set_index(["source", "target"])
    assert len(pairs) == 9
    assert abs(pairs.loc[("surface", "meaning"), "nats"]) < 0.1
    one = rank(first)
    assert set(one.pairs["looks"]) == {"same"}
    assert one.pairs.set_index(["source", "target"]).loc[("surface", "meaning"), "nats"] > 10


def test_two_looks_are_ranked_by_two_estimators_together_unless_nats_are_asked_for():
    first, second = pool()
    both = rank(first, second)
    assert both.table["model"].tolist() == ["meaning", "half", "surface"]
    assert set(both.pairs["estimator"]) == {"linear", "neighbours"}
    for asked in ({"aggregate": "mean"}, {"binary": "gaussian"}, {"looks": "same"}):
        kept = {} if "looks" in asked else {"second": second}
        assert set(rank(first, **kept, **asked).pairs["estimator"]) == {"linear"}


def test_each_of_several_estimators_has_its_own_settings():
    first, second = pool()
    asked = {"linear": {}, "neighbours": {"k": 2}}
    pairs = rank(first, second, estimator=asked).pairs
    own = pairs[pairs["estimator"] == "neighbours"].reset_index(drop=True)
    alone = rank(first, second, estimator="neighbours", k=2).pairs
    assert own["nats"].tolist() == alone["nats"].tolist()
    assert own["nats"].tolist() != rank(first, second, estimator="neighbours").pairs["nats"].tolist()


def test_the_looks_may_be_swapped():
    first, second = pool()
    assert nats(rank(first, second).pairs) == pytest.approx(nats(rank(second, first).pairs))


def test_other_items_of_the_group_are_looks():
    groups, models = grouped()
    ranking = rank(models, groups=groups)
    assert set(ranking.pairs["looks"]) == {"group"}
    assert ranking.table["model"].tolist() == ["meaning", "half", "surface"]
    assert ranking.notes == ()
    assert set(rank(models, groups=groups, looks="same").pairs["looks"]) == {"same"}


def test_several_estimators_are_columns_of_one_ranking():
    first, second = pool()
    ranking = rank(first, second, estimator=["linear", "neighbours"])
    assert ranking.pairs.groupby("estimator", sort=False).size().to_dict() == {"linear": 9, "neighbours": 9}
    alone = rank(first, second, estimator="neighbours").pairs["nats"].to_numpy()
    assert (ranking.pairs.query("estimator == 'neighbours'")["nats"].to_numpy() == alone).all()
    assert ranking.table["model"].iloc[0] == "meaning"


def test_items_alone_in_their_group_and_pairs_of_copies_are_left_out_and_counted():
    groups, models = grouped()
    groups = groups.copy()
    groups[:3] = [1000, 1001, 1002]
    for array in models.values():
        array[4] = array[3] = array[5]  # one group of three copies
    given = arrange_looks(models, groups=groups)
    assert given.looks == "group"
    assert given.plan.n_items == 600 - 3 - 3
    assert given.plan.n_groups == 198
    assert given.notes == (
        "3 of 600 items are alone in their group and are left out",
        "3 pairs of items with equal vectors are left out",
    )


def test_the_plan_is_of_pairs_by_their_groups():
    groups, models = grouped()
    given = arrange_looks(models, groups=groups)
    for name, array in models.items():
        first = pd.factorize(array[:, 0])[0]
        rows = [
            np.flatnonzero((array == look[0]).all(axis=1))[0]
            for look in (given.first[name], given.second[name])
        ]
        assert groups[rows[0]] == groups[rows[1]]
        assert len(first) == 600
    assert len(np.unique(given.plan.unit)) <= 200
    assert (np.bincount(given.plan.group) == 3).all()


def test_too_few_groups_give_one_look_and_say_so():
    groups, models = grouped()
    few = np.where(groups < 40, groups, 1000 + np.arange(len(groups)))
    ranking = rank(models, groups=few)
    assert set(ranking.pairs["looks"]) == {"same"}
    (note,) = ranking.notes
    assert "only 40 groups have two items with different vectors, but 50 are needed" in note
    assert "less reliable ranking" in note
    with pytest.raises(EstimationError, match="looks 'group': only 40 groups"):
        rank(models, groups=few, looks="group")


def test_equal_looks_give_one_look_and_say_so():
    first, second = pool()
    second["half"] = first["half"]
    given = arrange_looks(first, second)
    assert given.looks == "same"
    assert "half has the same vector in both looks for 100% of the items" in given.notes[0]
    with pytest.raises(EstimationError, match="looks 'files': half has the same vector"):
        rank(first, second, looks="files")


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ("drop", {}, "the second look lacks half; give both looks of every model"),
        ("extra", {}, "the first look lacks more; give both looks"),
        ("rows", {}, r"half: the first look has shape \(600, 9\) but the second has \(599, 9\)"),
        (None, {"looks": "same"}, "looks 'same' means one look, but a second is given"),
        (None, {"looks": "group"}, "looks 'group': a second look is given as well"),
        (None, {"looks": "halves"}, "looks 'halves': write one of auto, same, files, group"),
        (None, {"estimator": ["linear", "linear"]}, "name at least one estimator, and each only once"),
        (None, {"estimator": ["linear", "gaussian"], "penalty": 0.1}, r"settings \(penalty\) belong to one"),
    ],
)
def test_bad_looks_get_a_message(change, options, message):
    first, second = pool()
    if change == "drop":
        del second["half"]
    if change == "extra":
        second["more"] = second["half"]
    if change == "rows":
        second["half"] = second["half"][1:]
    with pytest.raises(EstimationError, match=message):
        rank(first, second, **options)


def test_looks_that_are_not_there_get_a_message():
    first, _ = pool()
    with pytest.raises(EstimationError, match="looks 'files': there is no second look"):
        rank(first, looks="files")
    with pytest.raises(EstimationError, match="looks 'group': there are no groups"):
        rank(first, looks="group")
    with pytest.raises(EstimationError, match="estimator='linear'"):
        rank(first, "gaussian")


def save(folder, models):
    folder.mkdir()
    for name, array in models.items():
        np.save(folder / f"{name}.npy", array)
    return sorted(map(str, folder.iterdir()))


def test_the_command_line_takes_a_second_look(tmp_path, capsys):
    first, second = pool()
    files, others = save(tmp_path / "one", first), save(tmp_path / "two", second)
    out = str(tmp_path / "out")
    assert main(["rank", *files, "--second", *others, "--estimator", "linear,neighbours", "--out", out]) == 0
    pairs = pd.read_parquet(tmp_path / "out" / "pairs.parquet")
    assert set(pairs["looks"]) == {"files"}
    assert set(pairs["estimator"]) == {"linear", "neighbours"}
    table = pd.read_csv(tmp_path / "out" / "ranking.csv")
    assert (
        table["model"].tolist()
        == rank(first, second, estimator=["linear", "neighbours"]).table["model"].tolist()
    )
    assert main(["verify", out]) == 0
    np.save(others[0], second["half"] + 1)
    assert main(["verify", out]) == 1


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".txt"])
def test_the_command_line_takes_groups(suffix, tmp_path, capsys):
    groups, models = grouped()
    names = [f"doc {group}" for group in groups]
    path = tmp_path / f"groups{suffix}"
    table = pd.DataFrame({"chunk": range(len(names)), "group": names})
    if suffix == ".parquet":
        table.to_parquet(path)
    elif suffix == ".txt":
        path.write_text("\n".join(names) + "\n")
    else:
        table.to_csv(path, index=False, sep="\t" if suffix == ".tsv" else ",")
    files = save(tmp_path / "one", models)
    assert main(["rank", *files, "--groups", str(path), "--out", str(tmp_path / "out")]) == 0
    pairs = pd.read_parquet(tmp_path / "out" / "pairs.parquet")
    assert nats(pairs) == pytest.approx(nats(rank(models, groups=groups).pairs))
    assert set(pairs["looks"]) == {"group"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("group\na\n", "has 1 rows but there are 600 items"),
        ("group\n" + "a\n" * 299 + "\n" + "b\n" * 300, "row 299 has no group"),
        ("one,two\n" + "a,b\n" * 600, "has the columns one, two; rename the one with the groups to `group`"),
        (None, "cannot be read"),
    ],
)
def test_a_bad_file_of_groups_gets_a_message(content, message, tmp_path, capsys):
    path = tmp_path / "groups.csv"
    if content is not None:
        path.write_text(content)
    files = save(tmp_path / "one", grouped()[1])
    assert main(["rank", *files, "--groups", str(path), "--out", str(tmp_path / "out")]) == 1
    assert message in capsys.readouterr().err
