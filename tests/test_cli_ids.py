"""`suffice rank` and `explain` of files whose rows are joined by ids."""

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from suffice.cli import main

N = 200
NAMES = [f"doc-{i}" for i in range(N)]
FULL = np.random.default_rng(0).normal(size=(N, 6)).astype(np.float32)
PARTS = {
    "all": FULL,
    "half": FULL[:, :3],
    "own": FULL + np.random.default_rng(1).normal(size=(N, 6)).astype(np.float32),
}
ORDER = np.random.default_rng(2).permutation(N)


def in_parts(table, path):
    path.mkdir()
    for part in (slice(0, 90), slice(90, N)):
        table[part].to_parquet(path / f"part-{part.start}.parquet")


WRITERS = {
    "parquet": pd.DataFrame.to_parquet,
    "parquet index": lambda table, path: table.set_index("id").rename_axis("document").to_parquet(path),
    "csv": lambda table, path: table.to_csv(path, index=False),
    "csv index": lambda table, path: table.set_index("id").rename_axis(None).to_csv(path),
    "jsonl": lambda table, path: table.to_json(path, orient="records", lines=True),
    "npz": lambda table, path: np.savez(path, ids=np.array(table["id"].tolist()), vectors=vectors_of(table)),
    "npz id": lambda table, path: np.savez(
        path, id=np.array(table["id"].tolist()), vectors=vectors_of(table)
    ),
    "npz doc_ids": lambda table, path: np.savez(
        path, doc_ids=np.array(table["id"].tolist()), vectors=vectors_of(table)
    ),
    "csv doc_id": lambda table, path: table.rename(columns={"id": "doc_id"}).to_csv(path, index=False),
    "parquet uuid": lambda table, path: table.rename(columns={"id": "uuid"}).to_parquet(path),
    "safetensors": lambda table, path: save_file(
        {
            "ids": table["id"].str.partition("-")[2].to_numpy(int),
            "x": np.ascontiguousarray(vectors_of(table)),
        },
        path,
    ),
    "npy": lambda table, path: np.save(path, vectors_of(table)),
    "folder": in_parts,
}


def vectors_of(table):
    return table.drop(columns="id").to_numpy()


def write(folder, name, form, vectors, ids):
    path = folder / f"{name}.{form.split()[0]}"
    columns = {f"d{i}": column for i, column in enumerate(vectors.T)}
    WRITERS[form](pd.DataFrame({"id": ids, **columns}), path)
    return str(path)


def ranked(out):
    return pd.read_csv(out / "ranking.csv").set_index("model")[["score", "win_rate"]]


@pytest.fixture
def expected(tmp_path):
    (tmp_path / "plain").mkdir()
    files = [write(tmp_path / "plain", name, "npy", part, None) for name, part in PARTS.items()]
    assert main(["rank", *files, "--out", str(tmp_path / "expected")]) == 0
    return ranked(tmp_path / "expected")


def ids_of(order):
    return [NAMES[i] for i in order]


FORMS = [form for form in WRITERS if form != "npy"]


@pytest.mark.parametrize("form", FORMS)
def test_files_in_another_order_are_joined(form, tmp_path, expected, capsys):
    files = [write(tmp_path, "all", form, FULL, NAMES)]
    files += [write(tmp_path, name, form, PARTS[name][ORDER], ids_of(ORDER)) for name in ("half", "own")]
    assert main(["rank", *files, "--out", str(tmp_path / "out")]) == 0
    pd.testing.assert_frame_equal(ranked(tmp_path / "out"), expected, atol=1e-5)
    assert "rows are joined by their ids; the order of 'half', 'own' differs" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["txt", "csv", "parquet", "one column"])
def test_ids_of_plain_arrays_from_a_file(form, tmp_path, expected, capsys):
    files = [write(tmp_path, "all", "npy", FULL, None), write(tmp_path, "half", "npy", FULL[:, :3], None)]
    files += [write(tmp_path, "own", "parquet", PARTS["own"][ORDER], ids_of(ORDER))]
    ids = tmp_path / f"ids.{'csv' if form == 'one column' else form}"
    match form:
        case "txt":
            ids.write_text("\n".join(NAMES) + "\n")
        case "csv":
            pd.DataFrame({"id": NAMES, "title": "x"}).to_csv(ids, index=False)
        case "parquet":
            pd.DataFrame({"title": "x", "id": NAMES}).to_parquet(ids)
        case "one column":
            pd.DataFrame({"name": NAMES}).to_csv(ids, index=False)
    out = tmp_path / "out"
    assert main(["rank", *files, "--ids", str(ids), "--out", str(out)]) == 0
    pd.testing.assert_frame_equal(ranked(out), expected, atol=1e-5)
    capsys.readouterr()
    assert main(["verify", str(out)]) == 0
    ids.write_bytes(ids.read_bytes() + b"\n")
    assert main(["verify", str(out)]) == 1
    assert ids.name in capsys.readouterr().out


def test_without_ids_of_some_files_the_order_is_taken_on_trust(tmp_path, expected, capsys):
    files = [
        write(tmp_path, "all", "parquet", FULL, NAMES),
        write(tmp_path, "half", "npy", FULL[:, :3], None),
    ]
    files += [write(tmp_path, "own", "csv", PARTS["own"], NAMES)]
    assert main(["rank", *files, "--out", str(tmp_path / "out")]) == 0
    pd.testing.assert_frame_equal(ranked(tmp_path / "out"), expected, atol=1e-5)
    assert "for 'half'; the order of rows without ids was not checked" in capsys.readouterr().out


@pytest.mark.parametrize("by_id", [True, False])
def test_groups_are_joined(by_id, tmp_path, capsys):
    groups = np.repeat(np.arange(50), 4)
    files = [write(tmp_path, "all", "parquet", FULL[ORDER], ids_of(ORDER))]
    files += [write(tmp_path, name, "parquet", PARTS[name], NAMES) for name in ("half", "own")]
    theirs = pd.DataFrame({"id": NAMES, "group": groups}) if by_id else pd.DataFrame({"group": groups[ORDER]})
    theirs.to_csv(tmp_path / "groups.csv", index=False)
    arguments = ["--groups", str(tmp_path / "groups.csv"), "--looks", "group", "--out", str(tmp_path / "out")]
    assert main(["rank", *files, *arguments]) == 0
    plain = [write(tmp_path / "out", name, "npy", part[ORDER], None) for name, part in PARTS.items()]
    pd.DataFrame({"group": groups[ORDER]}).to_csv(tmp_path / "plain.csv", index=False)
    arguments = ["--groups", str(tmp_path / "plain.csv"), "--looks", "group", "--out", str(tmp_path / "x")]
    assert main(["rank", *plain, *arguments]) == 0
    pd.testing.assert_frame_equal(ranked(tmp_path / "out"), ranked(tmp_path / "x"), atol=1e-5)


def test_labels_are_of_the_rows_of_the_first_file(tmp_path):
    kept = np.arange(N) % 10 != 0
    files = [write(tmp_path, "all", "parquet", FULL, NAMES)]
    files += [write(tmp_path, "half", "parquet", FULL[kept, :3], np.array(NAMES)[kept])]
    files += [write(tmp_path, "own", "csv", PARTS["own"], NAMES)]
    labels = pd.DataFrame({"row": np.arange(N), "label": np.where(FULL[:, 0] > 0, "yes", "no")})
    labels.to_csv(tmp_path / "labels.csv", index=False)
    arguments = ["--labels", str(tmp_path / "labels.csv"), "--out", str(tmp_path / "joined")]
    assert main(["rank", *files, *arguments]) == 0
    (tmp_path / "few").mkdir()
    few = [write(tmp_path / "few", n, "npy", v[kept], None) for n, v in PARTS.items()]
    labels[kept].assign(row=range(kept.sum())).to_csv(tmp_path / "few.csv", index=False)
    assert main(["rank", *few, "--labels", str(tmp_path / "few.csv"), "--out", str(tmp_path / "x")]) == 0
    found, expected = (
        pd.read_csv(tmp_path / name / "ranking.csv").set_index("model")["probe"] for name in ("joined", "x")
    )
    pd.testing.assert_series_equal(found, expected, atol=1e-6)


def test_an_explanation_joins_rows(tmp_path, capsys):
    source = write(tmp_path, "half", "parquet", FULL[ORDER, :3], ids_of(ORDER))
    target = write(tmp_path, "all", "csv", FULL, NAMES)
    (tmp_path / "items.txt").write_text("\n".join(ids_of(ORDER)) + "\n")
    assert main(["explain", source, target, "--items", str(tmp_path / "items.txt")]) == 0
    joined = capsys.readouterr().out
    source = write(tmp_path, "half", "npy", FULL[ORDER, :3], None)
    target = write(tmp_path, "all", "npy", FULL[ORDER], None)
    assert main(["explain", source, target, "--items", str(tmp_path / "items.txt")]) == 0
    assert capsys.readouterr().out in joined


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([*NAMES[:-1], "doc-3"], "half: the id 'doc-3' occurs 2 times, first in rows 3 and 199"),
        ([f"other-{i}" for i in range(N)], "is in all inputs; half has 'other-0'"),
        ([*NAMES[:-1], None], "half.parquet: the id of row 199 is missing"),
    ],
)
def test_bad_ids_get_a_message(ids, message, tmp_path, capsys):
    files = [write(tmp_path, "all", "parquet", FULL, NAMES), write(tmp_path, "half", "parquet", FULL, ids)]
    assert main(["rank", *files, "--out", str(tmp_path / "out")]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id\n" + "\n".join(NAMES[:-1]), "all has 200 rows but 199 ids"),
        ("a,b\n1,2\n", "rename the one with the ids to `id`"),
    ],
)
def test_bad_files_of_ids_get_a_message(content, message, tmp_path, capsys):
    files = [write(tmp_path, name, "npy", part, None) for name, part in PARTS.items()]
    (tmp_path / "ids.csv").write_text(content)
    assert main(["rank", *files, "--ids", str(tmp_path / "ids.csv"), "--out", str(tmp_path / "out")]) == 1
    assert message in capsys.readouterr().err
