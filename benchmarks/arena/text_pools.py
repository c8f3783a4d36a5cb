"""The pools `text-mixed`, `questions` and `opinions`: 17 text encoders, looks are halves of texts.

Every text and every half is embedded once per model; the pools are cut from these vectors.

    python benchmarks/arena/text_pools.py --cache DIR --data ../shared/data [--models NAME ...] [--embed-only]
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from pool import Card, Model, folder_of, write_card, write_tasks, write_vectors
from probes import measure_tasks
from text_models import MODELS, Sources
from texts import DOMAINS, MIN_WORDS, PAIRS, Texts, halves_of, read_texts, tasks_of

from suffice.data.columns import CONTENT, GROUP, ID, SPLIT, TRAIN
from suffice.data.corpus import Corpus
from suffice.storage.files import read_json, write_json, write_table

MAX_HALVED = 2_500  # texts of a domain whose halves are embedded
MAX_LOOKS, MAX_RANKED = 4_000, 5_000
SEED = 0
HALVES = f"halves of texts of at least {MIN_WORDS} words, cut at white space after half of the words"
ABOUT = {
    "text-mixed": "Questions, opinions and sentences of similarity sets together",
    "questions": "Questions and requests: banking, trivia, assistants, flights, programming",
    "opinions": "Tweets, reviews and phrases",
}
LABELS = "Labels are classes or scores of single texts; none says which texts belong to one document."


def halved_rows(texts: Texts, domain: str) -> npt.NDArray[np.int64]:
    """Rows of the texts of a domain whose halves are embedded, in order."""
    rows = texts.halved[domain]
    return np.sort(np.random.default_rng(SEED).permutation(rows)[:MAX_HALVED])


def all_contents(texts: Texts) -> list[str]:
    """Whole texts, then first halves, then second halves, domain after domain."""
    rows = np.concatenate([halved_rows(texts, domain) for domain in DOMAINS])
    halves = [halves_of(texts.whole[row]) for row in rows]
    return [*texts.whole, *(first for first, _ in halves), *(second for _, second in halves)]


def corpus_of(texts: Texts, path: Path) -> Corpus:
    """Whole texts as a corpus, which models without weights of their own are fitted on."""
    ids = [str(row) for row in range(len(texts.whole))]
    write_table(pd.DataFrame({ID: ids, CONTENT: texts.whole, GROUP: ids, SPLIT: TRAIN}), path)
    return Corpus(path)


def embed(texts: Texts, sources: Sources, name: str) -> None:
    """Write the vectors of everything by one model, unless they are there."""
    path = sources.cache / "text" / f"{name}.npy"
    if path.exists():
        return
    started = time.process_time()
    encoder = MODELS[name].open(sources)
    vectors = encoder.encode(all_contents(texts))
    path.parent.mkdir(parents=True, exist_ok=True)
    seconds = time.process_time() - started
    write_json({"n_parameters": encoder.n_parameters, "cpu_seconds": seconds}, path.with_suffix(".json"))
    np.save(path, vectors)
    print(f"{name}: {vectors.shape} in {seconds:.0f} processor seconds", flush=True)


def card_of(name: str, cache: Path) -> Card:
    """The card of a pool."""
    models = []
    for model, known in MODELS.items():
        width = np.load(cache / "text" / f"{model}.npy", mmap_mode="r").shape[1]
        n_parameters = read_json(cache / "text" / f"{model}.json")["n_parameters"]
        models.append(Model(model, known.family, known.pretrained, known.untrained, n_parameters, width))
    about = f"{ABOUT[name]}. Looks: {HALVES}. {LABELS}"
    return Card(name, "text", "halves", about, tuple(models))


def make_pool(texts: Texts, cache: Path, name: str) -> None:
    """Write one pool from the vectors of all texts."""
    folder = folder_of(cache, name)
    if (folder / "pool.json").exists():
        return
    items, looks = rows_of_pool(texts, name)
    n_halved = sum(len(halved_rows(texts, domain)) for domain in DOMAINS)
    for model in MODELS:
        vectors = np.load(cache / "text" / f"{model}.npy", mmap_mode="r")
        write_vectors(folder, "items", model, vectors[items])
        write_vectors(folder, "first", model, vectors[len(texts.whole) + looks])
        write_vectors(folder, "second", model, vectors[len(texts.whole) + n_halved + looks])
    write_card(folder, card_of(name, cache))


def rows_of_pool(texts: Texts, name: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows of the ranked whole texts, and positions among the halved texts of the ranked halves."""
    domains = list(DOMAINS) if name == "text-mixed" else [name]
    sets = [texts.sets[held]["row"] for domain in domains for held in DOMAINS[domain]]
    rows = np.unique(np.concatenate(sets))
    sizes = {domain: len(halved_rows(texts, domain)) for domain in DOMAINS}
    starts = dict(zip(sizes, np.cumsum([0, *sizes.values()])[:-1], strict=True))
    looks = np.concatenate([starts[domain] + np.arange(sizes[domain]) for domain in domains])
    generator = np.random.default_rng(SEED)
    return _sample(rows, MAX_RANKED, generator), _sample(looks, MAX_LOOKS, generator)


def _sample(rows: npt.NDArray[np.int64], most: int, generator: np.random.Generator) -> npt.NDArray[np.int64]:
    return np.sort(generator.permutation(rows)[:most])


def measure(texts: Texts, cache: Path, models: Sequence[str]) -> None:
    """Measure every task once per model, and write each pool's share of the results."""
    for model in models:
        path = cache / "text" / f"{model}-tasks.csv"
        if not path.exists():
            vectors = {model: np.load(cache / "text" / f"{model}.npy")}
            names = tuple(name for domain in DOMAINS.values() for name in domain)
            write_table(measure_tasks(tasks_of(texts, names, PAIRS), vectors), path)


def write_results(texts: Texts, cache: Path) -> None:
    """Write the results of the tasks of each pool."""
    tables = [pd.read_csv(cache / "text" / f"{model}-tasks.csv") for model in MODELS]
    results = pd.concat(tables, ignore_index=True)
    for name in ABOUT:
        wanted = [task.name for task in tasks_of(texts, DOMAINS.get(name, ()))]
        mine = results if name == "text-mixed" else results[results["task"].isin(wanted)]
        write_tasks(folder_of(cache, name), mine)


def make_pools(cache: Path, data: Path) -> None:
    """Write all pools."""
    texts = read_texts(data)
    sources = Sources(cache, data / "models" / "text", corpus_of(texts, cache / "text" / "texts.parquet"))
    for model in MODELS:
        embed(texts, sources, model)
    for name in ABOUT:
        make_pool(texts, cache, name)
    measure(texts, cache, list(MODELS))
    write_results(texts, cache)


def main() -> None:
    """Write the pools, or only the vectors or results of some models."""
    parser = argparse.ArgumentParser(description="Text pools of the arena.")
    parser.add_argument("--cache", type=Path, default=Path(__file__).parent / "cache")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--models", nargs="+", choices=list(MODELS), help="embed and measure these alone")
    parser.add_argument("--embed-only", action="store_true", help="measure no tasks")
    given = parser.parse_args()
    if given.models is None:
        make_pools(given.cache, given.data)
        return
    texts = read_texts(given.data)
    corpus = corpus_of(texts, given.cache / "text" / "texts.parquet")
    for model in given.models:
        embed(texts, Sources(given.cache, given.data / "models" / "text", corpus), model)
    if not given.embed_only:
        measure(texts, given.cache, given.models)


if __name__ == "__main__":
    main()
