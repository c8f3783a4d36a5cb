import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import NearestNeighbors

from suffice.baselines import BASELINES, baseline_table, rankme, stored
from suffice.baselines import geometry as module
from suffice.baselines.geometry import alpha_req, stable_rank, two_nn, uniformity
from suffice.baselines.registry import OF_POOL, ONE_MODEL, baselines_of_pool
from suffice.baselines.similarity import (
    consensus_retrieval,
    cross_regression,
    median_cka,
    median_mutual_neighbours,
    nearest_neighbours,
)
from suffice.baselines.stored import baselines_of_models, predictor_table
from suffice.errors import DataError, EstimationError
from suffice.storage.files import write_json
from suffice.storage.store import ResultStore


def direct_rankme(embedding):
    """By singular value decomposition in float64."""
    singular = np.linalg.svd(embedding.astype(float), compute_uv=False)
    shares = singular / singular.sum() + 1e-7
    return np.exp(-(shares * np.log(shares)).sum())


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def test_equal_singular_values_give_the_dimension():
    assert rankme(3.0 * np.eye(8)) == pytest.approx(8, rel=1e-4)  # epsilon adds less than 1e-4


def test_one_direction_gives_one(rng):
    embedding = np.outer(rng.normal(size=100), rng.normal(size=5))
    assert rankme(embedding) == pytest.approx(1, abs=1e-4)  # epsilon, and rounding of 1e-8


def test_two_singular_values():
    embedding = np.diag([3.0, 1.0])
    assert rankme(embedding) == pytest.approx(np.exp(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25))), rel=1e-5)


def test_not_centred_and_rows_not_scaled(rng):
    embedding = rng.normal(size=(200, 6))
    assert rankme(embedding + 10) < 0.6 * rankme(embedding)  # the mean's direction dominates
    assert rankme(embedding * 7) == pytest.approx(rankme(embedding))
    lengths = np.where(np.arange(200) < 3, 1e3, 1)[:, None]
    assert rankme(embedding * lengths) < 0.6 * rankme(embedding)  # three rows dominate


@pytest.mark.parametrize("shape", [(500, 40), (30, 40), (40, 40)])
def test_streaming_is_the_direct_value(rng, shape, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "BLOCK_ROWS", 64)
    embedding = (rng.normal(size=shape) * np.geomspace(1, 1e-5, 40) + 0.5).astype(np.float32)
    np.save(tmp_path / "e.npy", embedding)
    found = rankme(np.load(tmp_path / "e.npy", mmap_mode="r"))
    # second moments keep singular values to 1e-8 of the largest: 40 of them move the entropy by 1e-5
    assert found == pytest.approx(direct_rankme(embedding), rel=2e-5)


def test_stable_rank_is_the_trace_over_the_largest_eigenvalue(rng):
    embedding = rng.normal(size=(300, 5)) * [3, 2, 1, 1, 1] + 7
    eigenvalues = np.linalg.eigvalsh(np.cov(embedding.T))
    assert stable_rank(embedding) == pytest.approx(eigenvalues.sum() / eigenvalues.max(), rel=1e-9)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_alpha_req_finds_the_exponent_of_an_exact_power_law(rng, alpha):
    n, d = 400, 60
    left = np.linalg.qr(rng.normal(size=(n, d)) - 0.0)[0]
    left -= left.mean(axis=0)
    left = np.linalg.qr(left)[0]  # orthonormal and centred
    embedding = left * np.sqrt(np.arange(1.0, d + 1) ** -alpha)
    assert alpha_req(embedding) == pytest.approx(abs(alpha - 1), abs=1e-6)


def test_a_spectrum_nearer_to_one_over_k_is_the_better_by_alpha_req(rng):
    """Agrawal et al. 2022: representations generalise best with an exponent of 1, from either side."""
    left = np.linalg.qr(rng.normal(size=(400, 60)))[0]
    spectra = {f"alpha-{alpha}": left * np.sqrt(np.arange(1.0, 61) ** -alpha) for alpha in (0.3, 1.0, 2.5)}
    baselines = pd.DataFrame({"model": list(spectra), "alpha_req": [*map(alpha_req, spectra.values())]})
    values = predictor_table({}, baselines).set_index("model")["value"]
    assert values.sort_values(ascending=False).index.tolist() == ["alpha-1.0", "alpha-0.3", "alpha-2.5"]


def test_uniformity_is_the_authors_formula_in_torch(rng):
    torch = pytest.importorskip("torch")
    vectors = rng.normal(size=(120, 6))
    unit = torch.nn.functional.normalize(torch.from_numpy(vectors), dim=1)
    assert uniformity(vectors) == pytest.approx(
        torch.pdist(unit).pow(2).mul(-2).exp().mean().log().item(), rel=1e-9
    )


def test_two_nn_by_neighbours_of_another_library(rng):
    """The same fit, with distances from scikit-learn; and near the dimension of a flat sheet."""
    sheet = np.concatenate([rng.uniform(size=(800, 2)), np.zeros((800, 3))], axis=1)
    distance = NearestNeighbors(n_neighbors=3).fit(sheet).kneighbors(sheet)[0]
    ratio = np.sort(distance[:, 2] / distance[:, 1])[: int(0.9 * 800)]
    share = np.arange(1, len(ratio) + 1) / 800
    expected = np.linalg.lstsq(np.log(ratio)[:, None], -np.log(1 - share), rcond=None)[0][0]
    assert two_nn(sheet) == pytest.approx(expected, rel=1e-6)
    assert two_nn(sheet) == pytest.approx(2, abs=0.25)  # the standard error with 800 items is about 0.08
    assert two_nn(np.concatenate([sheet, sheet])) == pytest.approx(two_nn(sheet))  # copies count once


def test_neighbours_are_those_of_another_library(rng):
    vectors = rng.normal(size=(150, 8))
    found = NearestNeighbors(n_neighbors=11, metric="cosine").fit(vectors).kneighbors(vectors)[1][:, 1:]
    assert (nearest_neighbours(vectors, 10) == found).all()


def test_mutual_neighbours_do_not_depend_on_the_scale_of_a_dimension_but_the_consensus_does(rng):
    pool = {name: rng.normal(size=(60, 5)) for name in "abc"}
    plain = baselines_of_pool(pool).set_index("model")
    pool["b"] = pool["b"] * [1, 1, 1, 1, 50] + 3
    scaled = baselines_of_pool(pool).set_index("model")
    assert scaled["mutual_knn"].tolist() == pytest.approx(plain["mutual_knn"].tolist())
    assert (scaled["consensus"] != plain["consensus"]).any()
    lists = [nearest_neighbours((x - x.mean(axis=0)) / x.std(axis=0), 10) for x in pool.values()]
    assert scaled["mutual_knn"].tolist() == pytest.approx(median_mutual_neighbours(lists))


def test_mutual_neighbours_and_consensus_by_sets(rng):
    pool = [rng.normal(size=(60, 4)) for _ in range(3)]
    lists = [nearest_neighbours(vectors, 50) for vectors in pool]
    top = [[set(row[:10]) for row in each] for each in lists]
    share = np.array(
        [[np.mean([len(a & b) / 10 for a, b in zip(x, y, strict=True)]) for y in top] for x in top]
    )
    expected = [np.median(np.delete(row, place)) for place, row in enumerate(share)]
    assert median_mutual_neighbours(lists) == pytest.approx(expected)

    agreement = []
    for model in range(3):
        common = []
        for item in range(60):
            weight = np.zeros(60)
            for other in {0, 1, 2} - {model}:
                for rank, neighbour in enumerate(lists[other][item], start=1):
                    weight[neighbour] += np.float32(1 / (60 + rank))
            tenth = np.sort(weight)[-10]
            assert (weight > tenth - 1e-7).sum() >= 10
            common.append(len(set(np.flatnonzero(weight >= tenth)[:10]) & top[model][item]) / 10)
        agreement.append(np.mean(common))
    assert consensus_retrieval(lists) == pytest.approx(agreement)


def test_cka_is_the_u_statistic_written_out(rng):
    """Unbiased HSIC of linear kernels by its sums (Song et al. 2012, equation 5)."""
    pool = [rng.normal(size=(40, 3)), rng.normal(size=(40, 5))]
    pool.append(pool[0] @ rng.normal(size=(3, 3)) + 0.5 * rng.normal(size=(40, 3)))

    def hsic(a, b):
        k, m, n = a @ a.T, b @ b.T, len(a)
        np.fill_diagonal(k, 0)
        np.fill_diagonal(m, 0)
        ones = np.ones(n)
        cross = ones @ k @ ones * (ones @ m @ ones) / ((n - 1) * (n - 2)) - 2 / (n - 2) * (
            ones @ k @ m @ ones
        )
        return (np.trace(k @ m) + cross) / (n * (n - 3))

    scaled = [(each - each.mean(axis=0)) / each.std(axis=0) for each in pool]
    cka = [[hsic(a, b) / np.sqrt(hsic(a, a) * hsic(b, b)) for b in scaled] for a in scaled]
    expected = [np.median(np.delete(row, place)) for place, row in enumerate(cka)]
    assert median_cka(pool) == pytest.approx(expected, abs=1e-5)  # float32 sums


def test_cross_regression_is_unbiased_where_nothing_is_told_and_exact_for_a_linear_map(rng):
    source = rng.normal(size=(400, 20))
    pool = [source, source @ rng.normal(size=(20, 7)), rng.normal(size=(400, 30))]
    values = cross_regression(pool[:2])
    assert values[0] == pytest.approx(1, abs=1e-3)
    # R² of the fit on its own items would be 20 / 400 = 0.05; 30 dimensions have an error of about 0.001 each
    assert cross_regression([source, pool[2]])[0] == pytest.approx(0, abs=0.01)
    reference = LinearRegression().fit(source, pool[2])
    fitted = 1 - ((pool[2] - reference.predict(source)) ** 2).mean() / pool[2].var(axis=0).mean()
    assert fitted > 0.03


def test_table_has_a_column_for_each_baseline(rng):
    table = baseline_table({"a": rng.normal(size=(50, 4)), "b": rng.normal(size=(50, 3))})
    assert list(table.columns) == ["model", *ONE_MODEL, *OF_POOL]
    assert set(table.columns) - {"model"} == {name for name, each in BASELINES.items() if each.measure}
    assert {each.of for each in BASELINES.values() if not each.measure} == {"looks", "public"}
    assert list(table["model"]) == ["a", "b"]
    assert list(table["embed_dim"]) == [4, 3] and table["embed_dim"].dtype == np.int64
    assert table.notna().all(axis=None)


def test_what_has_no_value_is_empty_and_the_rest_stays():
    table = baseline_table({"constant": np.ones((50, 3)), "two": np.eye(50, 2)})
    row = table.set_index("model").loc["constant"]
    assert row["rankme"] == pytest.approx(1, abs=1e-4)
    assert row[["stable_rank", "alpha_req", "two_nn"]].isna().all()
    alone = baseline_table({"a": np.eye(20)})
    assert alone[list(OF_POOL)].isna().all(axis=None)


def test_no_models_give_an_empty_table():
    assert list(baseline_table({}).columns) == ["model", *ONE_MODEL, *OF_POOL]


def test_directions_are_applied_before_any_comparison():
    baselines = pd.DataFrame({"model": ["a", "b"], "rankme": [2.0, 3.0], "two_nn": [4.0, 5.0]})
    table = predictor_table({"linear": pd.DataFrame({"model": ["a", "b"], "score": [0.1, 0.2]})}, baselines)
    values = table.pivot(index="model", columns="predictor", values="value")
    assert values["rankme"].tolist() == [2, 3] and values["two_nn"].tolist() == [-4, -5]
    assert values["linear"].tolist() == [0.1, 0.2]


def test_another_model_measures_only_itself_and_the_pool(tmp_path, rng, monkeypatch):
    paths = []
    for name in "abc":
        path = tmp_path / f"{name}.npy"
        np.save(path, rng.normal(size=(40, 3)))
        write_json({"array_sha256": name}, path.with_suffix(".json"))
        paths.append(str(path))
    store = ResultStore(tmp_path / "store")
    first = baselines_of_models(list("ab"), paths[:2], store)
    measured = []
    own = stored._own
    monkeypatch.setattr(
        stored, "_own", lambda model, array, seed: measured.append(model) or own(model, array, seed)
    )
    second = baselines_of_models(list("abc"), paths, store)
    assert measured == ["c"]
    pd.testing.assert_frame_equal(second.loc[:1, ["model", *ONE_MODEL]], first[["model", *ONE_MODEL]])


@pytest.mark.parametrize(
    ("embedding", "error", "message"),
    [
        (np.zeros((5, 3)), EstimationError, "model 'm': all vectors are zero"),
        (np.array([[1.0, 2.0], [np.inf, 0.0]]), EstimationError, "model 'm': the vector in row 1 has NaN"),
        (np.ones(5), DataError, "model 'm': the embedding has shape .5,."),
        (np.ones((0, 5)), DataError, "has shape .0, 5."),
    ],
)
def test_bad_input(embedding, error, message):
    with pytest.raises(error, match=message):
        baseline_table({"m": embedding})


def test_the_public_average_is_of_models_with_every_task():
    baselines = pd.DataFrame({"model": ["a", "b", "c"], "embed_dim": [1, 2, 3]})
    rows = [("a", "x", 0.4), ("a", "y", 0.8), ("b", "x", 0.9)]
    public = pd.DataFrame(rows, columns=["model", "task", "value"])
    table = stored.with_public_average(baselines, public)
    assert table["public_average"].tolist()[0] == pytest.approx(0.6)
    assert table["public_average"].isna().tolist() == [False, True, True]
    assert "public_average" not in stored.with_public_average(baselines, None)
    scores = stored.predictor_table({}, table)
    assert set(scores["predictor"]) == {"embed_dim", "public_average"}
