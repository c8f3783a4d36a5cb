"""Files of vectors as people have them, and which of their arrays and columns are the vectors."""

import gzip
import shutil
import time

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file
from scipy import sparse

from suffice.cli import main
from suffice.embed.precomputed import Precomputed, PrecomputedSettings
from suffice.embed.vector_files import names_of_files, split_array
from suffice.embed.write import write_embedding
from suffice.errors import ModelError

N, WIDTH = 16, 5
VECTORS = np.random.default_rng(0).integers(-8, 8, (N, WIDTH)).astype(np.float32) / 8
IDS = [f"item-{i}" for i in range(N)]


def loader_of(path, **settings):
    return Precomputed(PrecomputedSettings(path=str(path), **settings))


def numbered(**more):
    return pd.DataFrame(VECTORS, columns=[f"d{i}" for i in range(WIDTH)]).assign(**more)


def write_csv(path, **options):
    numbered(id=IDS, title="a, b").to_csv(path, **({"index": False} | options))


def write_texts(path):
    texts = [str(row) for row in VECTORS.tolist()]
    pd.DataFrame({"id": IDS, "n_tokens": range(N), "vector": texts}).to_csv(path, index=False)


def write_jsonl(path):
    pd.DataFrame({"id": IDS, "vector": VECTORS.tolist()}).to_json(path, orient="records", lines=True)


def write_bfloat16(path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file as save

    save({"vectors": torch.tensor(VECTORS).bfloat16(), "n_tokens": torch.arange(N)}, str(path))


FORMS = {
    "v.csv": write_csv,
    "index.csv": lambda path: write_csv(path, index=True),
    "semicolons.csv": lambda path: write_csv(path, sep=";"),
    "v.tsv": lambda path: write_csv(path, sep="\t"),
    "utf-16.csv": lambda path: write_csv(path, encoding="utf-16"),
    "texts.csv": write_texts,
    "v.jsonl": write_jsonl,
    "labels.npz": lambda path: np.savez(path, vectors=VECTORS, labels=np.arange(N), names=np.array(IDS)),
    "csr.npz": lambda path: sparse.save_npz(path, sparse.csr_matrix(VECTORS)),
    "coo.npz": lambda path: sparse.save_npz(path, sparse.coo_matrix(VECTORS)),
    "bf16.safetensors": write_bfloat16,
    "two.safetensors": lambda path: save_file({"vectors": VECTORS, "n": np.arange(N)}, path),
    "index.parquet": lambda path: numbered().set_axis(pd.Index(IDS, name="key")).to_parquet(path),
    "holes.parquet": lambda path: (
        numbered(drop=range(N)).query("drop >= 0").drop(columns="drop").to_parquet(path)
    ),
    "V.NPY": lambda path: np.save(path.open("wb"), VECTORS),
}


@pytest.mark.filterwarnings("ignore::suffice.errors.AssumptionWarning")
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", FORMS)
def test_every_form_gives_the_same_vectors(name, packed, tmp_path):
    path = tmp_path / name
    FORMS[name](path)
    if packed:
        path = path.with_name(path.name + ".gz")
        path.write_bytes(gzip.compress((tmp_path / name).read_bytes()))
    np.testing.assert_array_equal(loader_of(path).read(), VECTORS)
    assert names_of_files([path]) == [name.rpartition(".")[0]]


def write_part(path, rows):
    frame = numbered(id=IDS).iloc[rows]
    if path.suffix == ".npy":
        np.save(path, VECTORS[rows])
    else:
        frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_csv(path, index=False)


@pytest.mark.parametrize("suffix", [".npy", ".parquet", ".csv"])
def test_a_folder_is_one_model_in_parts(suffix, tmp_path, corpus):
    folder = tmp_path / "my-model"
    folder.mkdir()
    for part, rows in zip((2, 10, 9), (slice(0, 5), slice(12, N), slice(5, 12)), strict=True):
        path = folder / f"part-{part}{suffix}"
        write_part(path, rows)
    loader = loader_of(folder)
    np.testing.assert_array_equal(loader.read(), VECTORS)
    before = loader.identity()
    if suffix != ".npy":
        encoder = loader_of(folder, match="id").open(corpus)
        np.testing.assert_array_equal(encoder.encode(next(corpus.windows())), VECTORS)
    shutil.copy(folder / f"part-10{suffix}", folder / f"part-11{suffix}")
    assert loader.identity() != before
    np.save(folder / "part-12.npy", VECTORS[:, :2])
    with pytest.raises(ModelError, match="different shapes|several kinds"):
        loader.read()


def test_a_saved_data_set_of_vectors(tmp_path):
    datasets = pytest.importorskip("datasets", reason="needs the hub extra")
    datasets.Dataset.from_dict({"text": IDS, "vector": VECTORS.tolist()}).save_to_disk(str(tmp_path / "d"))
    np.testing.assert_array_equal(loader_of(tmp_path / "d").read(), VECTORS)


def test_one_array_of_several_by_the_path(tmp_path):
    np.savez(tmp_path / "m.npz", small=VECTORS[:, :2], large=VECTORS)
    with pytest.raises(ModelError, match="has large, small.*m.npz:large"):
        loader_of(tmp_path / "m.npz").read()
    np.testing.assert_array_equal(loader_of(f"{tmp_path}/m.npz:small").read(), VECTORS[:, :2])
    both = [tmp_path / f"m.npz:{name}" for name in ("small", "large")]
    assert names_of_files(both) == ["m:small", "m:large"] and names_of_files(both[:1]) == ["m"]
    assert loader_of(both[0]).identity() != loader_of(both[1]).identity()
    (tmp_path / "odd.npz:x").touch()
    assert split_array(tmp_path / "odd.npz:x") == (tmp_path / "odd.npz:x", None)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (numbered(label=1), "'label' are not part of the vector d0..d4"),
        (numbered(id=range(N), n_tokens=3), "'n_tokens'"),
        (pd.DataFrame({"text": ["a"], "n_tokens": [3]}), "'n_tokens' do not have a common name"),
    ],
)
@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_other_numbers_are_named(table, message, suffix, tmp_path):
    path = tmp_path / f"v{suffix}"
    table.to_parquet(path) if suffix == ".parquet" else table.to_csv(path, index=False)
    with pytest.raises(ModelError, match=message):
        loader_of(path).read()
    if "d0" in table:
        np.testing.assert_array_equal(loader_of(path, array="d").read(), VECTORS)


def test_codes_are_said_in_the_card(corpus, tmp_path):
    np.save(tmp_path / "v.npy", np.random.default_rng(0).integers(0, 255, (N, 4)).astype(np.uint8))
    card = write_embedding(
        loader_of(tmp_path / "v.npy"), corpus, tmp_path / "o.npy", model="m", dataset="toy"
    )
    assert any("unpackbits" in warning for warning in card["health"]["warnings"])


def test_ids_with_a_mark_and_twins_are_matched(make_corpus, tmp_path):
    corpus = make_corpus(["x", "y"])
    np.save(tmp_path / "v.npy", VECTORS[:2])
    (tmp_path / "ids.txt").write_bytes("\ufeffitem-1\r\nitem-0\r\n\r\n".encode())
    encoder = loader_of(tmp_path / "v.npy", match="id", ids=str(tmp_path / "ids.txt")).open(corpus)
    np.testing.assert_array_equal(encoder.encode(next(corpus.windows())), VECTORS[[1, 0]])


def test_a_sparse_matrix_that_would_fill_the_memory_is_refused(tmp_path):
    huge = sparse.csr_matrix((10**6, 10**6), dtype=np.float32)
    sparse.save_npz(tmp_path / "v.npz", huge)
    with pytest.raises(ModelError, match="sparse matrix of shape .* GiB.*TruncatedSVD"):
        loader_of(tmp_path / "v.npz").read()


def test_a_sparse_matrix_with_positions_outside_of_its_shape_is_refused(tmp_path):
    sparse.save_npz(tmp_path / "v.npz", sparse.csr_matrix(np.eye(10)))
    parts = dict(np.load(tmp_path / "v.npz"))
    np.savez(tmp_path / "v.npz", **(parts | {"shape": np.array([10, 4])}))
    with pytest.raises(ModelError, match="cannot be read"):
        loader_of(tmp_path / "v.npz").read()


def test_many_columns_of_text_take_seconds(tmp_path):
    n_columns = 4_000
    rows = [",".join(f"d{j}" for j in range(n_columns)), *[",".join(["0.5"] * n_columns)] * 3]
    (tmp_path / "v.csv").write_text("\n".join(rows) + "\n")
    start = time.process_time()
    assert loader_of(tmp_path / "v.csv").read().shape == (3, n_columns)
    assert time.process_time() - start < 8  # about 1, and in proportion to the columns


def test_the_command_line_ranks_arrays_of_one_file_and_says_what_it_assumed(tmp_path, capsys):
    rng = np.random.default_rng(0)
    full = rng.normal(size=(200, 4))
    np.savez(tmp_path / "m.npz", a=full, b=full[:, :1])
    pd.DataFrame(full[:, :2], columns=["x0", "x1"]).to_csv(tmp_path / "c.csv", sep=";", index=False)
    files = [f"{tmp_path}/m.npz:a", f"{tmp_path}/m.npz:b", f"{tmp_path}/c.csv"]
    assert main(["rank", *files, "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert "m:a" in said.out and "m:b" in said.out and "note: " in said.err and "semicolons" in said.err
