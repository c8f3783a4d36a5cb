"""A few rows of the published experiment on texts, for runs on stand-ins without network."""

import shutil

TASK = "paws-x"
FAST = "networks: separate, marginal_epochs: 1, conditional_epochs: 1"


def rows(path):
    """The lines of a table that are no comments, by their first cell."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return {line.split("\t")[0]: line for line in lines}


def write_some(source, target, names):
    """Copy the header and some rows of a table."""
    found = rows(source)
    header = next(iter(found))
    target.write_text("\n".join(found[name] for name in [header, *names]) + "\n")


def write_small(project, folder, models, texts=(), ablations=False):
    """The experiment with some of its models and texts (all, if none are named), `linear` and one task."""
    config = project / "config" / "text-darrin2024"
    folder.mkdir()
    write_some(project / "config" / "text-darrin2024-more" / "models.tsv", folder / "models.tsv", models)
    write_some(config / "tasks.tsv", folder / "tasks.tsv", [TASK])
    all_texts = rows(config / "datasets.tsv")["common"].split("\t")[2]
    chosen = list(texts) or all_texts.split(",")
    write_some(config / "datasets.tsv", folder / "datasets.tsv", ["common", *chosen, TASK])
    table = folder / "datasets.tsv"
    table.write_text(table.read_text().replace(all_texts, ",".join(chosen)))
    shutil.copy(config / "public_scores.csv", folder)
    text = (config / "study.yaml").read_text()
    estimators, of_ablations = text[text.index("estimators:") :], text[text.index("ablations:") :]
    text = text.replace(estimators[: estimators.index("\n\n")], "estimators: {linear: {}}")
    fewer = of_ablations.replace("networks: separate", FAST).replace("2, 4, 8, 10, 12", "2")
    text = text.replace(of_ablations, fewer if ablations else "")
    (folder / "study.yaml").write_text(text + "correlation: {n_resamples: 100}\n")
    return folder
