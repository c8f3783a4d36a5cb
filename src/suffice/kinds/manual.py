"""The manual of every key, and the JSON schemas, made from the settings models: one truth."""

from typing import Any

from pydantic import BaseModel

from suffice.kinds.registry import DEFAULT, all_kinds

HEAD = """# The manual of every key

*Made by `make docs` from the settings themselves; edit those, not this file.*

A study is a folder with four small files. Copy `api-docs/`, or let `suffice new-study` write one, and edit
it; `make study STUDY=name` runs the folder `config/name`, `make study STUDY=path/to/folder` any other.

| file | holds |
|---|---|
| `study.yaml` | the question, the seed, estimators, and how scores are made |
| `models.tsv` | one row a model |
| `datasets.tsv` | one row a data set |
| `tasks.tsv` | one row a labelled task; leave the file out and the study ends at the ranking |

The tables are separated by tabs, their first line names the columns, an empty cell means the default, and a
line that begins with `#` is a comment. Paths start from the study's folder. Names consist of lower-case
letters, digits, dots and hyphens, at most 100. Everything is checked before the first job starts. Any key of
`study.yaml` can be replaced for one run: `make study CONFIG='seed=1'`.

In CSV files of results a text that a spreadsheet would take for a formula begins with an apostrophe, which
`suffice.storage.files.read_table` takes off again. A data set is read as it is: no text of your files is changed. To use a
CSV of results as a data set, read it with `read_table` and write it with `suffice.storage.files.write_items`.
"""


def manual() -> str:
    """The whole manual as Markdown: what is common to all studies, then each kind."""
    return "\n".join([HEAD, *(kind.manual() for kind in all_kinds())])


def schemas() -> dict[str, dict[str, Any]]:
    """JSON schemas: study.yaml of each kind, and the settings in a row of each table."""
    models: dict[str, type[BaseModel]] = {}
    for kind in all_kinds():
        of_study = "study" if kind.name == DEFAULT else f"study-{kind.name}"
        models |= {of_study: kind.settings(), **kind.tables()}
    return {name: model.model_json_schema() for name, model in models.items()}
