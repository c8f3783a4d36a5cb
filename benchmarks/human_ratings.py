"""Does the label-free score agree with people's ratings of similarity? Real text encoders on four rated sets.

    pip install --no-deps -r config/text-real/requirements.lock
    pip install --no-deps gensim==4.4.0    # two sets of rated words are among its files
    python benchmarks/human_ratings.py DATA

DATA has the rated pairs of sentences, `text/sts/biosses.csv.gz` and `text/sts/sick.csv.gz` (of these, 800
pairs are drawn); the pairs of words are SimLex-999 and WordSim-353. Models are those of config/text-real.
How well a model does on a set is Spearman's rho between the cosine of a pair and its rating. Ratings judge
alone: models are scored on the sentences, or on the words, without them. With halves, source and target see
the two halves of a sentence.

Written before any rating was used: on sentences, the default (halves, linear and neighbours) will agree with
the ratings of sentences (above 0.6), and no better than finding the other half of a sentence
(`self_retrieval`). It will agree less with the ratings of words, for which encoders of sentences were not
made.
The first and the last failed: the default has 0.37 and 0.56 on the sets of sentences, and more on words.

Writes `human_ratings.csv`. Vectors are kept in the folder --work; what is there is not made again.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from pools import SEED, LabelledTask, write_task_results
from text_pool import corpus_of, scored_pairs

from suffice import rank
from suffice.analyses.correlation import correlation_table
from suffice.baselines.free_ways import ways_from_vectors
from suffice.data.columns import CONTENT, GROUP
from suffice.data.corpus import Corpus
from suffice.data.made.base import file_of
from suffice.embed.registry import build_loader
from suffice.embed.write import write_embedding
from suffice.storage.files import open_array, read_table, write_table
from suffice.storage.provenance import machine, versions
from suffice.study.model import Study
from suffice.study.read import load_study
from suffice.tasks.settings import TaskSettings

HERE = Path(__file__).resolve().parent
TABLE = HERE / "human_ratings.csv"
STUDY = HERE.parent / "config" / "text-real"
SENTENCES = ("biosses", "sick")
WORDS = {"simlex-999": "simlex999.txt", "wordsim-353": "wordsim353.tsv"}
"""Files of gensim: lines of comment, then two words and the rating on each line."""
MIN_WORDS = 8  # of a sentence that is halved, as in the workflow
HALVES = ("first half", "second half")
Vectors = dict[str, np.ndarray]


def rated_words(file: str) -> pd.DataFrame:
    """The pairs of words of a set, two rows per pair."""
    path = file_of("gensim", f"test/test_data/{file}")
    table = pd.read_csv(path, sep="\t", comment="#", names=["sentence1", "sentence2", "score"])
    sides = [
        pd.DataFrame({CONTENT: table[side], "pair": table.index, "side": side, "score": table["score"]})
        for side in ("sentence1", "sentence2")
    ]
    items = pd.concat(sides, ignore_index=True)
    return items.assign(**{GROUP: items[CONTENT]})


def halves_of(sentences: pd.Series) -> pd.DataFrame:
    """The two halves of each long sentence."""
    words = [sentence.split() for sentence in sentences.unique()]
    long = [each for each in words if len(each) >= MIN_WORDS]
    cut = [(" ".join(each[: len(each) // 2]), " ".join(each[len(each) // 2 :])) for each in long]
    return pd.DataFrame(cut, columns=list(HALVES))


def write_vectors(study: Study, corpus: Corpus, folder: Path) -> None:
    """Embed all texts with each model that has no vectors yet."""
    for model in study.models.values():
        path = folder / "all" / f"{model.name}.npy"
        if not path.exists():
            loader = build_loader(model.kind, model.settings, study.seed_of(model.name), "cpu")
            write_embedding(loader, corpus, path, model=model.name, dataset="texts")
            print(f"{model.name} embedded", flush=True)


def scores_of(first: Vectors, second: Vectors | None) -> pd.DataFrame:
    """The score of each model by two estimators together and by each alone, and free ways to choose."""
    found = rank(first, second, ["linear", "neighbours"], seed=SEED)
    both = found.table[["model", "score"]].rename(columns={"score": "value"})
    ways = ways_from_vectors(found.pairs, first, second, SEED).dropna(subset="value")
    scores = pd.concat([both.assign(predictor="linear-and-neighbours"), ways], ignore_index=True)
    is_score = scores["predictor"].isin(["linear-and-neighbours", "linear", "neighbours"])
    return scores.assign(predictor_kind=np.where(is_score, "information sufficiency", "baseline"))


def agreement(folder: Path, models: list[str], rows: dict[str, np.ndarray]) -> Iterator[pd.DataFrame]:
    """Correlation of each way to choose with each set, and with the mean rank over sets.

    Args:
        folder: vectors and results of tasks.
        models: their names.
        rows: of each set, and of the halves.
    """
    results = pd.concat([read_table(folder / "tasks" / f"{model}.csv") for model in models])
    vectors = {model: open_array(folder / "all" / f"{model}.npy") for model in models}
    sentences, words = (np.unique(np.concatenate([rows[n] for n in of])) for of in (SENTENCES, WORDS))
    looks = {"sentences": [sentences], "halves": [rows[half] for half in HALVES], "words": [words]}
    for items, chosen in looks.items():
        seen = [{model: array[each] for model, array in vectors.items()} for each in chosen]
        table = correlation_table(scores_of(*seen, *[None] * (2 - len(seen))), results, seed=SEED)
        yield table[table["statistic"] == "spearman"].assign(scored_on=items, n_items=len(chosen[0]))


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--work", type=Path, default=Path("results/human-ratings"))
    given = parser.parse_args()
    sets = {name: scored_pairs(given.data / "text" / "sts" / f"{name}.csv.gz", name) for name in SENTENCES}
    halves = halves_of(pd.concat([table[CONTENT] for table in sets.values()]))
    sets |= {name: rated_words(file) for name, file in WORDS.items()}
    texts = sets | {half: halves[[half]].rename(columns={half: CONTENT}) for half in HALVES}
    study, corpus = load_study(STUDY), corpus_of(texts, given.work)
    write_vectors(study, corpus, given.work)
    contents = corpus.column(CONTENT)
    row_of = pd.Series(np.arange(len(contents)), index=contents)
    rows = {name: row_of[table[CONTENT]].to_numpy() for name, table in texts.items()}
    settings = TaskSettings(kind="similarity", label="score")
    tasks = [LabelledTask(name, settings, table, rows[name]) for name, table in sets.items()]
    write_task_results(given.work, tasks, list(study.models))
    table = pd.concat(agreement(given.work, list(study.models), rows), ignore_index=True)
    table = table.drop(columns=["statistic", "confidence_level"], errors="ignore").round(4)
    write_table(table, TABLE)
    print(table.to_string(index=False), machine(), versions())


if __name__ == "__main__":
    main()
