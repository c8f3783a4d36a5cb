"""Own vectors of a study that are versions of fewer items: it says so, unless its groups do."""

import numpy as np
import pandas as pd
import pytest

pytestmark = [pytest.mark.workflow, pytest.mark.slow]


@pytest.mark.parametrize("is_grouped", [False, True])
def test_a_study_is_told_that_its_items_are_versions_of_others(is_grouped, workflow):
    study, generator = workflow.study, np.random.default_rng(0)
    texts = pd.read_csv(study / "toys.csv").assign(document=np.arange(300) // 3)
    texts.to_csv(study / "toys.csv", index=False)
    for name in "abc":
        each = generator.normal(size=(100, 12))
        vectors = each[texts["document"]] + 0.02 * generator.normal(size=(300, 12))
        np.save(study / f"{name}.npy", vectors)
    rows = "".join(f"{name}\tprecomputed\t{name}\t{name}.npy\n" for name in "abc")
    (study / "models.tsv").write_text(f"model\tloader\tfamily\tpath\n{rows}")
    if not is_grouped:
        table = study / "datasets.tsv"
        table.write_text(table.read_text().replace("\tgroup", "").replace("\tdocument", ""))
    workflow.run("results/toy/ranking/toys/linear.csv")
    ranking = pd.read_csv(workflow.results / "ranking" / "toys" / "linear.csv").fillna("")
    said = ranking.set_index("model")["warnings"].str.contains(
        "200 of 300 items seem to be copies or versions"
    )
    assert list(said[said].index) == [] if is_grouped else [ranking["model"][0]]
