"""Real text encoders: which way of scoring agrees with labelled tasks, and the published figures beside it.

    make study STUDY=text-real CORES=2
    python benchmarks/text_real.py results/text-real

Writes `text_real.csv`, each estimator with one look and two and each summary over targets, judged by the
tasks; and `text_real_published.csv`, correlations as Darrin et al., NeurIPS 2024 (arXiv 2406.07640) print
them beside those of the published estimator and of `linear` here.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from suffice.analyses.choice import estimate
from suffice.analyses.correlation import STATISTICS, Bootstrap
from suffice.analyses.decision import decision_table
from suffice.ranking.arrays import SAME_LOOK
from suffice.ranking.relatives import near_copies
from suffice.ranking.scores import rank_pairs
from suffice.ranking.settings import RankingSettings
from suffice.ranking.table import ordering_values
from suffice.storage.files import open_array, read_json, read_table, write_table
from suffice.storage.provenance import machine, versions

Relatives = tuple[dict[str, str], dict[str, str]]
HERE = Path(__file__).resolve().parent
METHODS, PUBLISHED = HERE / "text_real.csv", HERE / "text_real_published.csv"
PRINTED = HERE.parent / "config" / "published" / "darrin2024_text_correlations.csv"
DATASET = "texts"
FLOORS = ("word-vectors-100", "tfidf-64", "tfidf-256", "chars-256", "hashed-128", "untrained-transformer")
KNIFE, LINEAR = "knife", "linear"
SUMMARIES = {
    "ranks": RankingSettings(aggregate="ranks"),
    "mean": RankingSettings(aggregate="mean"),
    "median": RankingSettings(aggregate="median"),
    "median with self pairs": RankingSettings(aggregate="median", self_pairs=True),
}
AS_PUBLISHED = "median with self pairs"
BASELINES = ("embed_dim", "rankme", "self_retrieval")  # each better when higher
OUTCOMES = {
    "mteb_average": None, "mteb_classification": "classification", "mteb_clustering": "clustering",
    "mteb_retrieval": "retrieval",
}  # fmt: skip
"""Outcomes that the paper prints, and the kind of our tasks that corresponds to each; None: all tasks."""
COLUMNS = (
    "study", "models", "predictor", "looks", "summary", "n_items", "n_models", "n_targets", "n_tasks",
    "spearman", "spearman_low", "spearman_high", "kendall", "kendall_low", "kendall_high", "regret_at_1",
    "regret_at_1_low", "regret_at_1_high", "picks", "cpu_seconds",
)  # fmt: skip


def results_of_tasks(results: Path) -> pd.DataFrame:
    """All models' tasks: model, task, kind, value."""
    return pd.concat([read_table(path) for path in sorted((results / "tasks").glob("*.csv"))])


def estimators_of(results: Path) -> list[str]:
    """The estimators with pairs."""
    return sorted(path.name for path in (results / "pairs" / DATASET).iterdir())


def pairs_of(results: Path, estimator: str) -> pd.DataFrame:
    """The pairs of an estimator, of one look and of two."""
    paths = sorted((results / "pairs" / DATASET / estimator).glob("*.parquet"))
    return pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)


def relatives_of(results: Path, models: Iterable[str]) -> Relatives:
    """The family of each model, and the group of its near-copies, as the study counts them."""
    estimator = estimators_of(results)[0]
    families = read_table(results / "ranking" / DATASET / f"{estimator}.csv").set_index("model")["relatives"]
    folder = results / "embeddings" / DATASET
    vectors = {model: open_array(folder / f"{model}.npy") for model in families.index if model in models}
    return {model: str(families[model]) for model in vectors}, near_copies(vectors)


def scores_of(pairs: pd.DataFrame, relatives: Relatives) -> Iterator[tuple[str, str, pd.Series]]:
    """Looks, summary over targets, and the values by model, higher is better."""
    for looks, of_looks in pairs.groupby("looks"):
        for summary, settings in SUMMARIES.items():
            if summary != AS_PUBLISHED:
                yield str(looks), summary, ordering_values(rank_pairs(of_looks, settings, 0, *relatives))
        if looks == SAME_LOOK:
            yield SAME_LOOK, AS_PUBLISHED, published_scores(of_looks)


def published_scores(pairs: pd.DataFrame) -> pd.Series:
    """The published summary of pairs with one look: the median over all targets, the model itself too."""
    ranking = rank_pairs(pairs, SUMMARIES[AS_PUBLISHED])
    return ranking.set_index("model")["published_score"].astype(float)


def cpu_seconds(results: Path, estimator: str) -> float:
    """Processor seconds of all jobs of an estimator."""
    files = [
        path
        for stage in ("prepare_model", "estimate_pairs", "estimate_all_pairs")
        for path in (results / "benchmarks" / stage).rglob("*.tsv")
        if estimator in path.relative_to(results).with_suffix("").parts
    ]
    return round(sum(pd.read_csv(path, sep="\t", na_values="-")["cpu_time"].sum() for path in files), 1)


def judged(scores: dict[str, pd.Series], tasks: pd.DataFrame, kind: str) -> pd.DataFrame:
    """How well each of some scores agrees with the tasks, over the models that have it."""
    rows = [
        pd.DataFrame(
            {"model": values.index, "predictor": name, "predictor_kind": kind, "value": values.values}
        )
        for name, values in scores.items()
    ]
    return decision_table(pd.concat(rows), tasks[tasks["model"].isin(next(iter(scores.values())).index)])


def methods_of(results: Path) -> Iterator[pd.DataFrame]:
    """Rows of every estimator and of the baselines, of all models and of pretrained ones alone."""
    tasks = results_of_tasks(results)
    n_items = read_json(results / "corpora" / f"{DATASET}.json")["n_items"]
    baselines = read_table(results / "baselines" / f"{DATASET}.csv").set_index("model")
    baselines = baselines[list(BASELINES)]
    for which, left_out in (("all", ()), ("pretrained", FLOORS)):
        facts: dict[str, Any] = {"study": results.name, "models": which, "n_items": n_items}
        for estimator in estimators_of(results):
            pairs = pairs_of(results, estimator)
            pairs = pairs[~pairs["source"].isin(left_out) & ~pairs["target"].isin(left_out)]
            seconds = cpu_seconds(results, estimator)
            relatives = relatives_of(results, set(pairs["source"]))
            for looks, summary, values in scores_of(pairs, relatives):
                table = judged({estimator: values}, tasks, "information")
                here: dict[str, Any] = {
                    "looks": looks,
                    "summary": summary,
                    "n_targets": pairs["target"].nunique(),
                }
                yield table[table["predictor"] == estimator].assign(**facts, **here, cpu_seconds=seconds)
        of_models = baselines.drop(list(left_out), errors="ignore")
        ways = {str(name): of_models[name] for name in of_models}
        yield judged(ways, tasks, "baseline").assign(**facts)


def side_by_side(results: Path) -> pd.DataFrame:
    """The printed correlations that have a counterpart here, with the published score of this study.

    Published and ours are correlations with the mean over tasks of their metrics.
    """
    printed = read_table(PRINTED).set_index(["outcome", "statistic"])["value"]
    tasks = results_of_tasks(results)
    rows = []
    for outcome, kind in OUTCOMES.items():
        chosen = tasks if kind is None else tasks[tasks["kind"] == kind]
        values = chosen.pivot(index="model", columns="task", values="value").mean(axis=1)
        for statistic, function in STATISTICS.items():
            row = {"outcome": outcome, "statistic": statistic, "printed": printed[outcome, statistic]}
            row["n_tasks"] = chosen["task"].nunique()
            for estimator in (KNIFE, LINEAR):
                pairs = pairs_of(results, estimator)
                score = published_scores(pairs[pairs["looks"] == SAME_LOOK])
                found = estimate(score, values, Bootstrap(), function)
                ends = {f"{estimator}_low": found.low, f"{estimator}_high": found.high}
                row |= {estimator: found.value, **ends, "n_models": found.n_models}
            rows.append(row)
    return pd.DataFrame(rows).round(4)


def main(folders: list[Path]) -> None:
    """Write both tables."""
    table = pd.concat([rows for folder in folders for rows in methods_of(folder)], ignore_index=True)
    write_table(table.reindex(columns=list(COLUMNS)).round(4), METHODS)
    for folder in folders:
        if KNIFE in estimators_of(folder):
            write_table(side_by_side(folder), PUBLISHED)
    print(machine(), versions())


if __name__ == "__main__":
    main([Path(each) for each in sys.argv[1:]])
