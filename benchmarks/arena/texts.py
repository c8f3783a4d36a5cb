"""The labelled texts of the arena: samples of the sets, halves of texts, and the tasks of each pool.

Sets are read from `text/` of a folder of data. Every text is in the list once; models are ranked on these
texts, without labels, and on their halves.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from probes import Task, labelled_task, scored_pairs_task

MAX_ITEMS = 800  # texts of a set, or pairs
MIN_WORDS = 6  # of a text that is halved
DOMAINS = {
    "questions": (
        "banking77",
        "trec_coarse",
        "trec_fine",
        "intent_snips",
        "intent_atis",
        "stackoverflow_20",
    ),
    "opinions": (
        "tweet_emotion",
        "tweet_irony",
        "tweet_sentiment",
        "customer_reviews",
        "mpqa",
        "uci_yelp",
        "uci_amazon_cells",
        "uci_imdb",
    ),
}
PAIRS = ("sick", "biosses")
CLUSTERED = ("banking77", "trec_coarse", "intent_snips", "stackoverflow_20", "tweet_emotion")
RETRIEVED = ("banking77", "trec_fine", "intent_atis", "stackoverflow_20", "tweet_emotion")


@dataclass(frozen=True)
class Texts:
    """All texts of the arena, and what is known of them.

    Attributes:
        whole: the texts, each once.
        sets: texts and labels of each classification set: columns text, label, row (in `whole`).
        pairs: rows in `whole` and scores of each similarity set: columns first, second, score.
        halved: rows in `whole` of the texts that are long enough to be halved, by domain.
    """

    whole: list[str]
    sets: dict[str, pd.DataFrame]
    pairs: dict[str, pd.DataFrame]
    halved: dict[str, npt.NDArray[np.int64]]


def read_texts(data: Path) -> Texts:
    """Read and sample every set.

    Args:
        data: folder that holds `text/classification` and `text/sts`.
    """
    names = [name for domain in DOMAINS.values() for name in domain]
    sets = {name: _sampled_set(data / "text" / "classification" / f"{name}.csv.gz") for name in names}
    pairs = {name: _sampled_pairs(data / "text" / "sts" / f"{name}.csv.gz") for name in PAIRS}
    in_sets = [text for table in sets.values() for text in table["text"]]
    in_pairs = [text for table in pairs.values() for side in ("first", "second") for text in table[side]]
    whole = list(dict.fromkeys([*in_sets, *in_pairs]))
    row_of = {text: row for row, text in enumerate(whole)}
    sets = {name: table.assign(row=table["text"].map(row_of)) for name, table in sets.items()}
    pairs = {
        name: table.assign(first=table["first"].map(row_of), second=table["second"].map(row_of))
        for name, table in pairs.items()
    }
    halved = {domain: _long_rows(whole, [sets[name] for name in held]) for domain, held in DOMAINS.items()}
    return Texts(whole, sets, pairs, halved)


def _sampled_set(path: Path) -> pd.DataFrame:
    """The texts whose hashes are smallest, so that two labellings of the same texts share their sample."""
    table = pd.read_csv(path, dtype=str)[["text", "label"]]
    table = table.assign(text=table["text"].str.strip()).drop_duplicates("text")
    order = table["text"].map(lambda text: hashlib.sha256(text.encode()).hexdigest())
    return table.loc[order.sort_values().index[:MAX_ITEMS]].reset_index(drop=True)


def _sampled_pairs(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path)
    table = table.sample(min(MAX_ITEMS, len(table)), random_state=0)
    sides = {"first": table["sentence1"].str.strip(), "second": table["sentence2"].str.strip()}
    return pd.DataFrame({**sides, "score": table["score"]}).reset_index(drop=True)


def _long_rows(whole: list[str], tables: list[pd.DataFrame]) -> npt.NDArray[np.int64]:
    rows = np.unique(np.concatenate([table["row"] for table in tables]))
    return np.array([row for row in rows if len(whole[row].split()) >= MIN_WORDS])


def halves_of(text: str) -> tuple[str, str]:
    """A text cut at white space after half of its words, the smaller half first."""
    words = text.split()
    middle = len(words) // 2
    return " ".join(words[:middle]), " ".join(words[middle:])


def tasks_of(texts: Texts, names: tuple[str, ...], pairs: tuple[str, ...] = ()) -> list[Task]:
    """The tasks on some of the sets; rows are those of `texts.whole`.

    Args:
        texts: all texts.
        names: classification sets: each gives a classification, some a clustering or a retrieval.
        pairs: similarity sets.
    """
    tasks = [_of_set(texts, name, "classification") for name in names]
    tasks += [_of_set(texts, name, "clustering") for name in names if name in CLUSTERED]
    tasks += [_of_set(texts, name, "retrieval") for name in names if name in RETRIEVED]
    for name in pairs:
        table = texts.pairs[name]
        tasks.append(scored_pairs_task(f"{name}-similarity", table["first"], table["second"], table["score"]))
    return tasks


def _of_set(texts: Texts, name: str, kind: str) -> Task:
    table = texts.sets[name]
    return labelled_task(f"{name}-{kind}", kind, table["label"].to_numpy(), table["row"].to_numpy())
