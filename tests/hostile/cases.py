"""Tables of what can be wrong with a study's files: kind, what is damaged, how, and what must come of it.

A pattern is what the message must match; SAME means that the numbers are those of the sound study.
"""

import gzip
import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

SAME = "the same numbers"
Damage = Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """One damage.

    Attributes:
        kind: what sort of damage it is.
        name: of the case within its kind.
        damage: does it to the files of a study.
        expected: pattern of the message, or SAME.
    """

    kind: str
    name: str
    damage: Damage
    expected: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}"


def replace(file: str, old: str, new: str) -> Damage:
    """Replace a text of a file, which must be there."""

    def damage(folder: Path) -> None:
        content = (folder / file).read_bytes()
        assert old.encode() in content, f"{file} has no {old!r}"
        (folder / file).write_bytes(content.replace(old.encode(), new.encode("utf-8", "surrogatepass"), 1))

    return damage


def edit(file: str, change: Callable[[bytes], bytes]) -> Damage:
    """Put other bytes into a file."""

    def damage(folder: Path) -> None:
        (folder / file).write_bytes(change((folder / file).read_bytes()))

    return damage


def write(file: str, content: bytes) -> Damage:
    """Write a whole file."""
    return lambda folder: (folder / file).write_bytes(content) and None


def remove(file: str) -> Damage:
    """Remove a file."""
    return lambda folder: (folder / file).unlink()


def in_place_of(file: str, make: Callable[[Path], None]) -> Damage:
    """Remove a file and make something else of its name."""

    def damage(folder: Path) -> None:
        (folder / file).unlink()
        make(folder / file)

    return damage


FILES = ("study.yaml", "models.tsv", "datasets.tsv", "tasks.tsv", "toys.csv", "own.npy")
NAMED = {file: rf"{Path(file).stem}" for file in FILES} | {"study.yaml": r"study"}

WHOLE_FILE: dict[str, Callable[[str], Damage]] = {
    "missing": remove,
    "empty": lambda file: write(file, b""),
    "spaces": lambda file: write(file, b"   \n \n"),
    "NUL bytes": lambda file: write(file, bytes(4096)),
    "random bytes": lambda file: write(file, np.random.default_rng(0).bytes(3000)),
    "not UTF-8": lambda file: edit(file, lambda content: content[:3] + b"\xe9\xff" + content[3:]),
    "UTF-16": lambda file: edit(file, lambda content: content.decode("latin-1").encode("utf-16")),
    "a folder": lambda file: in_place_of(file, lambda path: path.mkdir()),
    "a link to itself": lambda file: in_place_of(file, lambda path: path.symlink_to(path)),
    "a dangling link": lambda file: in_place_of(file, lambda path: path.symlink_to("nowhere")),
    "gzip": lambda file: edit(file, gzip.compress),
    "zip": lambda file: write(file, _zipped({"x": b"y"})),
    "HTML": lambda file: write(file, b"<html><body>404 not found</body></html>"),
    "a pickle": lambda file: write(file, b"\x80\x04\x95\x1d\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94."),
    "byte order mark": lambda file: edit(file, lambda content: b"\xef\xbb\xbf" + content),
    "CRLF line ends": lambda file: edit(file, lambda content: content.replace(b"\n", b"\r\n")),
    "lines at the end": lambda file: edit(file, lambda content: content + b"\n\n\n"),
    "cut in the middle": lambda file: edit(file, lambda content: content[: len(content) * 2 // 3]),
    "one byte": lambda file: edit(file, lambda content: content[:1]),
}
HARMLESS = ("byte order mark", "UTF-16", "CRLF line ends", "lines at the end")
UNREAD = (  # a study needs no table of tasks, and an array ends where its header says
    ("tasks.tsv", "missing"), ("own.npy", "lines at the end"),
)  # fmt: skip
NOT_TO_BE_TOLD = (("models.tsv", "cut in the middle"),)  # a shorter list of models is a sound one


def _zipped(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def whole_files() -> Iterator[Case]:
    """Every file of the study, damaged as a whole in every way."""
    for file in FILES:
        for name, damage in WHOLE_FILE.items():
            same = (file, name) in UNREAD or (file != "own.npy" and name in HARMLESS)
            if (file, name) in NOT_TO_BE_TOLD:
                continue
            yield Case("whole file", f"{file} {name}", damage(file), SAME if same else NAMED[file])


BAD_NAMES = (
    "../x", "a/b", "/etc/passwd", "..", ".", "a\0b", "<script>", "=HYPERLINK(1)", "$(id)", "a;b", "a b",
    "-rf", "A", "\u00fc", "*", "{dataset}", "~", "a\u202eb", "a|b", "`id`", "&", "\\", "%2e%2e",
    "a.items", "a.differences", "x" * 300,
)  # fmt: skip
PLACES_OF_NAMES = {
    "model": ("models.tsv", "words-2\t", "{}\t"),
    "data set": ("datasets.tsv", "toys\tfile", "{}\tfile"),
    "task": ("tasks.tsv", "topic\tclassification", "{}\tclassification"),
}
KEYS_OF_NAMES = (
    ("estimators: {linear: {}}", "estimators: {{{}: {{estimator: linear}}}}"),
    ("seed: 1", "training: {{{}: {{dataset: toys}}}}"),
)


def names() -> Iterator[Case]:
    """Names that would lead out of a folder, into a shell, a page or a spreadsheet, or into no file."""
    for what, (file, old, new) in PLACES_OF_NAMES.items():
        for name in BAD_NAMES:
            yield Case("name", f"{what} {name[:20]!r}", replace(file, old, new.format(name)), "not a name")
    for old, key in KEYS_OF_NAMES:
        for name in BAD_NAMES:
            said = "not valid YAML" if "\0" in name else "not a name"
            quoted = "'" + name + "'"
            damage = replace("study.yaml", old, key.format(quoted))
            yield Case("name", f"{key[:6]} {name[:20]!r}", damage, said)


def _key(line: str) -> Damage:
    return edit("study.yaml", lambda content: content + line.encode() + b"\n")


def _only(text: str) -> Damage:
    return write("study.yaml", text.encode())


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]\n" for i in range(9)
)
YAML: dict[str, tuple[Damage, str]] = {
    "object": (
        _key("device: !!python/object/apply:os.system ['touch pwned']"),
        "not valid YAML.*python/object",
    ),
    "module": (_key("device: !!python/module:os"), "not valid YAML.*python/module"),
    "name": (_key("device: !!python/name:os.system"), "not valid YAML.*python/name"),
    "own tag": (_key("device: !boom x"), "not valid YAML.*!boom"),
    "bomb": (_key(BOMB), "not valid YAML.*aliases expand to more"),
    "bomb in a value": (_key(BOMB + "title: *j"), "."),
    "bomb in settings": (_key(BOMB.replace("a: &a", "estimators: {linear: {}}\na: &a", 1)), "."),
    "alias to itself": (_key("explain: &x {pairs: *x}"), "."),
    "list of itself": (_key("explain: {pairs: &x [*x]}"), "."),
    "nested lists": (_key("explain: {pairs: " + "[" * 3000 + "]" * 3000 + "}"), "."),
    "nested keys": (_key("explain: " + "{a: " * 3000 + "1" + "}" * 3000), "."),
    "key twice": (_key("seed: 2"), "'seed' occurs twice"),
    "key twice within": (_key("explain: {n_items: 2, n_items: 3}"), "'n_items' occurs twice"),
    "two documents": (_key("---\ntitle: B"), "not valid YAML"),
    "number as key": (_key("5: 6"), "5"),
    "list as key": (_key("[1, 2]: 6"), "not valid YAML"),
    "null as key": (_key("~: 6"), "None"),
    "tab": (_key("explain:\n\tn_items: 2"), "not valid YAML"),
    "control character": (_key("device: 'a\x07'"), "not valid YAML"),
    "open quote": (_key("device: 'cpu"), "not valid YAML"),
    "impossible date": (_key("device: 2024-13-45"), "2024-13-45|month"),
    "number of 5,000 digits": (_key("device: " + "9" * 5000), "."),
    "binary": (_key("device: !!binary aGk="), "device.*cpu"),
    "unknown anchor": (_key("device: *x"), "not valid YAML.*undefined alias"),
    "text alone": (_only("title"), "must hold keys and values"),
    "number alone": (_only("5"), "must hold keys and values"),
    "null alone": (_only("~"), "must hold keys and values"),
}


def yaml_texts() -> Iterator[Case]:
    """What YAML can do beside holding keys and values."""
    for name, (damage, expected) in YAML.items():
        yield Case("YAML", name, damage, expected)


NO_NUMBERS = ("true", "1.5", "[]", "{}", "x", "-1", "null", ".nan", ".inf", "1e400", "'1'x", "2024-01-01")
NO_TEXTS = ("null", "5", "true", "[]", "{}", ".nan", "2024-01-01")
NO_MAPPINGS = ("5", "x", "[]", "[1]", "true", ".nan", "null")
TYPES: dict[str, tuple[str, tuple[str, ...]]] = {
    "seed": ("seed: 1\n", NO_NUMBERS),
    "title": ("title: Toy\n", NO_TEXTS),
    "models": ("", NO_TEXTS),
    "datasets": ("", NO_TEXTS),
    "tasks": ("", NO_TEXTS),
    "device": ("", NO_TEXTS),
    "kind": ("", NO_TEXTS),
    "estimators": ("", NO_MAPPINGS),
    "ranking": ("ranking: {n_resamples: 100}\n", NO_MAPPINGS),
    "correlation": ("correlation: {n_resamples: 100}\n", NO_MAPPINGS),
    "baselines": ("", NO_MAPPINGS),
    "training": ("", NO_MAPPINGS),
    "ablations": ("", NO_MAPPINGS),
    "few_labels": ("", NO_MAPPINGS[:-1]),
    "public_scores": ("", NO_MAPPINGS[:-1]),
    "explain": ("", NO_MAPPINGS),
    "offline_standins": ("", ("null", "5", "x", "[]", "{}")),
}


def types() -> Iterator[Case]:
    """Every key of study.yaml with values of another type."""
    for key, (line, values) in TYPES.items():
        for value in values:
            damage = edit("study.yaml", partial(_with_value, line.encode(), f"{key}: {value}\n".encode()))
            yield Case("type", f"{key} {value}", damage, rf"{key}|not valid YAML")


def _with_value(old: bytes, new: bytes, content: bytes) -> bytes:
    return content.replace(old, b"") + new
