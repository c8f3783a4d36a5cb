"""What can be wrong with the cells of tables and with the items of a data set."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from hostile.cases import SAME, Case, Damage, edit, replace, write
from toy import toy_texts

NUMBERS = (
    "0",
    "-1",
    "1.5",
    "nan",
    "inf",
    "1e3",
    "two",
    "0x10",
    "\u0662\u0663\u00b2",
    "1e999",
    "9" * 5000,
    "1,000",
    "''",
)
CELLS: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    ("models.tsv", "words\t2\t", tuple(f"words\t{number}\t" for number in NUMBERS), "words-2.*n_components"),
    ("models.tsv", "own\tprecomputed", ("own\tprecompute", "own\tPrecomputed", "own\t../x", "own\tos.system", "own\t__class__"), "unknown loader"),
    ("models.tsv", "char_wb", ("chars", "CHAR", "callable", "<script>"), "chars-8.*analyzer"),
    ("models.tsv", "model:own", ("model:", "model:own-pca", "model:../own", "model:own,own", "model:own\x00"), "own-pca"),
    ("models.tsv", "\town.npy", tuple(f"\t{path}" for path in (
        "owl.npy", "own.npz", "own", ".", "..", "/", "own.npy/x", "../../../../../etc/passwd", "/dev/null", "own.npy\x00", "x" * 5000 + ".npy",
        "~nobody-of-that-name/x.npy", "https://127.0.0.1/own.npy", "file:///etc/passwd", "own.npy;touch pwned", "$(touch pwned).npy",
        "{dataset", "{0.__class__}.npy", "toys.csv",
    )), "'own'|toys.csv: the numeric columns 'n_words'|the folder /"),
    ("models.tsv", "\tfamily\t", ("\tfamly\t", "\tmodel\t", "\t\t", "\tfamily\x00\t", "\t<script>\t"), "models.tsv"),
    ("datasets.tsv", "toys.csv", (
        "toyz.csv", "toys.xlsx", ".", "..", "/", "/dev/zero", "toys.csv/x", "../../../../../../etc/passwd", "toys.csv\x00", "x" * 5000 + ".csv",
        "~/toys.csv", "http://example.invalid/toys.csv", "https://127.0.0.1/toys.csv", "ftp://127.0.0.1/toys.csv", "package:os/path.py",
        "package:../../etc/passwd", "package:no_such_package/x.csv", "package:", "toys.csv|cat /etc/passwd", "toys.csv\u202e",
    ), "'toys'"),
    ("datasets.tsv", "\ttext\t", ("\ttexts\t", "\tTEXT\t", "\ttext,\t", "\t,\t", "\ttext,text\t", "\ttext+\t", "\tn_words\t", "\tkey+nothing\t"), "'toys'"),
    ("datasets.tsv", "\tkey\t", ("\tkeys\t", "\ttopic\t", "\tn_words\t", "\t<script>\t"), "'toys'"),
    ("datasets.tsv", "\tdocument", ("\tdocuments", "\tcontent", "\t../x"), "'toys'"),
    ("datasets.tsv", "\tfile\t", ("\tfiles\t", "\tFILE\t", "\tapi-docs\t", "\tdatasets\t", "\tpickle\t"), "'toys'"),
    ("tasks.tsv", "regression\ttoys", ("regresion\ttoys", "regression\ttoy", "regression\t../toys", "similarity\ttoys", "\ttoys", "regression\t"), "length"),
    ("tasks.tsv", "n_words", ("n_word", "text", "topic", "document", "key", "id", "content", "group", "split", "", "../x", "=1+1"), "length"),
    ("tasks.tsv", "classification\ttoys\ttopic", ("classification\ttoys\tkey", "classification\ttoys\tid"), "topic"),
)  # fmt: skip
AS_GOOD = ("n_words\t", "document")  # of these changes some are sound studies of another kind


def cells() -> Iterator[Case]:
    """Cells of the tables with another value."""
    for file, old, values, expected in CELLS:
        for number, value in enumerate(values):
            name = f"{file} {old.strip()!r} {number} {value[:30]!r}"
            yield Case("cell", name, replace(file, old, value), expected)


def items(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Damage:
    """Write the table of items with something else in it."""
    return lambda folder: change(toy_texts()).to_csv(folder / "toys.csv", index=False)


def as_file(name: str, make: Callable[[pd.DataFrame, Path], None]) -> Damage:
    """Put the items into a file of another form."""

    def damage(folder: Path) -> None:
        make(toy_texts(), folder / name)
        replace("datasets.tsv", "toys.csv", name)(folder)

    return damage


def at(row: int, column: str, value: object) -> Damage:
    """One cell of the items with another value."""

    def change(table: pd.DataFrame) -> pd.DataFrame:
        table = table.astype({column: object})
        table.loc[row, column] = value
        return table

    return items(change)


def everywhere(column: str, value: object) -> Damage:
    """All cells of a column with one value."""
    return items(lambda table: table.assign(**{column: value}))


def csv_text(change: Callable[[str], str]) -> Damage:
    """The text of the table of items, changed."""
    return edit("toys.csv", lambda content: change(content.decode()).encode())


ITEMS: dict[str, tuple[Damage, str]] = {
    "no rows": (items(lambda table: table.head(0)), "toys.*no items"),
    "one row": (items(lambda table: table.head(1)), "1 items? of 1 remain"),
    "49 rows": (items(lambda table: table.head(49)), "49 items of 49 remain"),
    "every row twice": (items(lambda table: pd.concat([table, table])), "id 'k0' occurs more than once"),
    "one row twice": (items(lambda table: pd.concat([table, table.tail(1)])), "id 'k299' occurs more than once"),
    "one text twice": (items(lambda table: table.assign(text=table["text"].where(table.index != 7, table["text"][6]))), "300 rows but data set toys has 299"),
    "all texts the same": (everywhere("text", "same"), "1 items of 300 remain.*299 duplicate"),
    "texts missing": (everywhere("text", None), "0 items of 300 remain.*300 empty"),
    "texts of spaces": (everywhere("text", " \t "), "0 items of 300 remain"),
    "texts of marks": (items(lambda table: table.assign(text=["!" * (row + 1) for row in table.index])), "words-8|bag_of_words"),
    "no column of texts": (items(lambda table: table.drop(columns="text")), "no column 'text'"),
    "no column of ids": (items(lambda table: table.drop(columns="key")), "no column 'key'"),
    "no column of groups": (items(lambda table: table.drop(columns="document")), "no column 'document'"),
    "an id missing": (at(5, "key", None), "data row 6 has no id"),
    "a group missing": (at(5, "document", None), "data row 6 has no group"),
    "an id twice": (at(5, "key", "k4"), "id 'k4' occurs more than once"),
    "one group": (everywhere("document", "d"), "1 groups? are too few|1 groups"),
    "one class": (everywhere("topic", "sea"), "topic.*has 1 class"),
    "no labels": (everywhere("topic", None), "no item has a value in column 'topic'"),
    "labels of one item each": (items(lambda table: table.assign(topic=table["key"])), "has 0 class"),
    "one label missing": (at(5, "topic", None), SAME + " but for labels"),
    "not a number": (at(5, "n_words", "many"), "'many', which is not a finite number"),
    "an infinite number": (at(5, "n_words", "inf"), "'inf', which is not a finite number"),
    "a huge number": (at(5, "n_words", "1e999"), "'inf', which is not a finite number"),
    "numbers all the same": (everywhere("n_words", 3), "n_words.*3|same|constant|vary"),
    "numbers of 400 digits": (items(lambda table: table.assign(n_words=["9" * 400] * 300)), "n_words"),
    "label named split": (items(lambda table: table.assign(split="train")), "'split'.*reserved"),
    "label named content": (items(lambda table: table.assign(content="x")), "'content'.*reserved"),
    "label named pair": (items(lambda table: table.assign(pair=1)), "'pair'.*reserved"),
    "label named <script>": (items(lambda table: table.assign(**{"<script>": 1})), SAME),
    "label named =1+1": (items(lambda table: table.assign(**{"=1+1": 1})), SAME),
    "label without a name": (items(lambda table: table.assign(**{"": 1})), SAME),
    "many labels": (items(lambda table: pd.concat([table, pd.DataFrame(0, table.index, [f"c{n}" for n in range(300)])], axis=1)), SAME),
    "columns in another order": (items(lambda table: table[table.columns[::-1]]), SAME),
    "header twice": (csv_text(lambda text: text.split("\n")[0] + "\n" + text), "300 rows but data set toys has 301"),
    "no header": (csv_text(lambda text: text.split("\n", 1)[1]), "no column 'document'"),
    "column twice": (csv_text(lambda text: text.replace("topic", "text", 1)), "more than one column named 'text'"),
    "semicolons": (csv_text(lambda text: text.replace(",", ";")), SAME),
    "tabs": (csv_text(lambda text: text.replace(",", "\t")), SAME),
    "quote that never closes": (csv_text(lambda text: text.replace("k5,", 'k5,"', 1)), "toys.csv is not a table|cells but the header"),
    "quote within a cell": (csv_text(lambda text: text.replace("k5,", 'k5,"a"b', 1)), "toys.csv is not a table"),
    "cell too many": (csv_text(lambda text: text.replace("k5,", "k5,,", 1)), "data row 6 has 6 cells"),
    "cell too few": (csv_text(lambda text: text.replace("k5,", "", 1)), "data row 6 has 4 cells"),
    "huge cell": (at(5, "text", "word " * 40_000), "larger than field limit"),
    "NUL in a cell": (csv_text(lambda text: text.replace("k5,", "k5,\0", 1)), "row 6 .* NUL character|line contains NUL"),
    "carriage returns alone": (csv_text(lambda text: text.replace("\n", "\r")), SAME),
    "all cells quoted": (csv_text(lambda text: "\n".join(",".join(f'"{c}"' for c in line.split(",")) for line in text.split("\n")[:-1]) + "\n"), SAME),
}  # fmt: skip


def _jsonl(line: Callable[[dict], str]) -> Damage:
    def make(table: pd.DataFrame, path: Path) -> None:
        rows = table.to_dict("records")
        path.write_text(
            "".join((line(row) if row["key"] == "k5" else json.dumps(row)) + "\n" for row in rows)
        )

    return as_file("toys.jsonl", make)


def _changed(**values: object) -> Damage:
    return _jsonl(lambda row: json.dumps(row | values))


def _parquet(change: Callable[[pa.Table], pa.Table]) -> Damage:
    def make(table: pd.DataFrame, path: Path) -> None:
        plain = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
        pq.write_table(change(plain), path)

    return as_file("toys.parquet", make)


def _column(name: str, values: pa.Array) -> Damage:
    return _parquet(lambda table: table.set_column(table.column_names.index(name), name, values))


def _bytes_of(name: str, make: Callable[[pd.DataFrame], bytes]) -> Damage:
    return as_file(name, lambda table, path: path.write_bytes(make(table)) and None)


def _parquet_bytes(table: pd.DataFrame) -> bytes:
    return table.to_parquet(index=False)


FORMS: dict[str, tuple[Damage, str]] = {
    "jsonl": (_jsonl(json.dumps), SAME),
    "jsonl lone surrogate": (_jsonl(lambda row: json.dumps(row).replace('"text": "', '"text": "\\ud800')), "toys.*surrogate|Unicode|character"),
    "jsonl lone surrogate in a label": (_jsonl(lambda row: json.dumps(row | {"topic": "\ud800"})), "toys.*surrogate|Unicode|character"),
    "jsonl lone surrogate in a name": (_jsonl(lambda row: json.dumps(row | {"\ud800": 1})), "toys.*surrogate|Unicode|character"),
    "jsonl NaN": (_jsonl(lambda row: json.dumps(row | {"n_words": float("nan")})), SAME + " but for labels"),
    "jsonl infinity": (_jsonl(lambda row: json.dumps(row | {"n_words": float("inf")})), "not a finite number"),
    "jsonl deep": (_jsonl(lambda row: "[" * 100_000 + "]" * 100_000), "line 6"),
    "jsonl key twice": (_jsonl(lambda row: json.dumps(row)[:-1] + ', "text": "other"}'), "line 6.*'text'"),
    "jsonl long number": (_jsonl(lambda row: json.dumps(row)[:-1].replace('"n_words": ', '"n_words": 9' + "9" * 5000) + "}"), "line 6"),
    "jsonl large number": (_changed(n_words=2**70), "n_words"),
    "jsonl large numbers": (as_file("toys.jsonl", lambda table, path: path.write_text("".join(json.dumps(row | {"n_words": 2**80}) + "\n" for row in table.to_dict("records"))) and None), "n_words"),
    "jsonl truth": (_changed(topic=True), "mixes the types"),
    "jsonl list": (_changed(topic=["sea"]), "topic"),
    "jsonl object as text": (_changed(text={"a": 1}), "row 6 of the content column 'text' is of type dict"),
    "jsonl number as text": (_changed(text=5), "row 6 of the content column 'text' is of type int"),
    "jsonl null as id": (_changed(key=None), "data row 6 has no id"),
    "jsonl no object": (_jsonl(lambda row: "5"), "line 6 is a JSON value of type int"),
    "jsonl half a line": (_jsonl(lambda row: json.dumps(row)[:20]), "line 6 is not JSON"),
    "parquet": (_parquet(lambda table: table), SAME),
    "parquet cut": (_bytes_of("toys.parquet", lambda table: _parquet_bytes(table)[:-50]), "not a readable Parquet"),
    "parquet spoilt footer": (_bytes_of("toys.parquet", lambda table: _parquet_bytes(table)[:-400] + b"\xff" * 392 + _parquet_bytes(table)[-8:]), "not a readable Parquet"),
    "parquet spoilt page": (_bytes_of("toys.parquet", lambda table: _parquet_bytes(table)[:200] + b"\xff" * 300 + _parquet_bytes(table)[500:]), "not a readable Parquet"),
    "parquet no rows": (_parquet(lambda table: table.slice(0, 0)), "no items"),
    "parquet bytes as text": (_column("text", pa.array([b"x"] * 300)), "is of type bytes"),
    "parquet not UTF-8": (_column("text", pa.array([b"\xff\xfe"] * 300).view(pa.string())), "not a readable Parquet|UTF-8|utf-8"),
    "parquet numbers as text": (_column("text", pa.array(range(300))), "is of type int"),
    "parquet nulls as text": (_column("text", pa.nulls(300)), "0 items of 300 remain"),
    "parquet categories": (_column("topic", pa.array(toy_texts()["topic"].tolist()).dictionary_encode()), SAME),
    "parquet column twice": (_parquet(lambda table: table.append_column("text", table["text"])), "text"),
    "parquet date as label": (_column("topic", pa.array([0] * 300, pa.timestamp("s"))), "topic"),
    "parquet date out of range": (_column("topic", pa.array([2**62] * 300, pa.timestamp("ms"))), "topic|not a readable"),
    "parquet lists as label": (_column("topic", pa.array([[1]] * 300)), "topic"),
    "gzip": (_bytes_of("toys.csv.gz", lambda table: gzip.compress(table.to_csv(index=False).encode())), SAME),
    "gzip cut": (_bytes_of("toys.csv.gz", lambda table: gzip.compress(table.to_csv(index=False).encode())[:-20]), "toys.csv.gz cannot be read"),
    "gzip of a gzip": (_bytes_of("toys.csv.gz", lambda table: gzip.compress(gzip.compress(table.to_csv(index=False).encode()))), "is compressed with gzip; unpack it"),
    "gzip bomb": (_bytes_of("toys.csv.gz", lambda table: gzip.compress(bytes(1 << 20), 9) * 70), "toys.csv.gz.*unpacks to more"),
    "text": (as_file("toys.txt", lambda table, path: path.write_text("\n".join(table["text"]))), "content|'text'"),
    "sheet": (_bytes_of("toys.xlsx", lambda table: b"PK\x03\x04"), "unknown suffix '.xlsx'"),
    "pickle": (as_file("toys.pkl", lambda table, path: table.to_pickle(path)), "unknown suffix '.pkl'"),
}  # fmt: skip


def datasets() -> Iterator[Case]:
    """Items that are not as they should be, and items in files of other forms."""
    for name, (damage, expected) in ITEMS.items():
        yield Case("items", name, damage, expected)
    for name, (damage, expected) in FORMS.items():
        yield Case("form of the items", name, damage, expected)


CHECKSUMS = ("0" * 64, "0" * 63, "x" * 64, "A" * 64, "")


def checksums() -> Iterator[Case]:
    """A SHA-256 in the table that the file does not have."""
    for sha256 in CHECKSUMS:
        table = f"dataset\tsource\tpath\tcontent\tid\tgroup\tsha256\ntoys\tfile\ttoys.csv\ttext\tkey\tdocument\t{sha256}\n"
        expected = "'toys'.*(the SHA-256 of|sha256)" if sha256 else SAME
        yield Case("checksum", f"{sha256[:1]} {len(sha256)}", write("datasets.tsv", table.encode()), expected)
