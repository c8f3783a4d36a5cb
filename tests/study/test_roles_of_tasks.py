"""Retrieval tasks and models that treat queries and documents differently."""

import json

import pandas as pd
import pytest

from suffice.embed.standin import write_standin
from suffice.errors import StudyError
from suffice.study import load_study
from suffice.study.read import check_sources


@pytest.fixture
def study(toy_study):
    """A function that adds a model with prompts of its own, and a retrieval task, to the toy study."""

    def make(cells, role="role"):
        items = pd.read_csv(toy_study / "toys.csv")
        items[role] = ["query", "document"] * (len(items) // 2)
        items.to_csv(toy_study / "toys.csv", index=False)
        write_standin(toy_study / "model", "bert", "sentence_transformer", list(items["text"]), seed=0)
        file = toy_study / "model" / "config_sentence_transformers.json"
        prompts = {"prompts": {"query": "find: ", "passage": "text: "}}
        file.write_text(json.dumps(json.loads(file.read_text()) | prompts))
        header, row = "\t".join(cells), "\t".join(cells.values())
        old = (toy_study / "models.tsv").read_text().splitlines()
        lines = [
            f"{old[0]}\tcheckpoint\t{header}",
            *old[1:],
            f"own-st\tsentence_transformer\tst\t\t\t\tmodel\t{row}",
        ]
        (toy_study / "models.tsv").write_text("\n".join(lines) + "\n")
        task = f"task\tkind\tdataset\trole\nfind\tretrieval\ttoys\t{role}\n"
        (toy_study / "tasks.tsv").write_text(task)
        return load_study(toy_study)

    return make


@pytest.mark.parametrize(
    "cells",
    [{"prompt": "text: "}, {"prompt_name": "query"}, {"prompt_query": "find: "}, {"prompt_document": "a: "}],
)
def test_one_treatment_is_an_error_before_any_work(cells, study):
    with pytest.raises(StudyError, match=r"models\.tsv: row 'own-st': .*set own_prompts to true"):
        check_sources(study(cells))


@pytest.mark.parametrize(
    "cells", [{"own_prompts": "true"}, {"prompt_query": "find: ", "prompt_document": "text: "}]
)
def test_both_treatments_are_right(cells, study):
    check_sources(study(cells))


def test_the_column_of_the_task_is_that_of_the_model(study):
    with pytest.raises(StudyError, match="set role to side_of_pair"):
        check_sources(study({"own_prompts": "true"}, role="side_of_pair"))


def test_a_prompt_keeps_its_space_at_the_end(study):
    row = study({"prompt_query": "find: ", "prompt_document": "text: "}).models["own-st"]
    assert row.settings["prompt_query"] == "find: "
