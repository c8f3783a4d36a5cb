"""A small study: three hundred texts, five models and three tasks, made on the spot."""

from pathlib import Path

import numpy as np
import pandas as pd

TOPICS = {
    "sea": "wave salt harbour tide gull sail anchor storm coral fish",
    "kitchen": "oven butter knife flour sugar plate spoon garlic pepper soup",
    "music": "violin chord rhythm melody drum singer tempo brass choir score",
}
FILLERS = "the a of and with near under over before after some many small large old new".split()


def toy_texts(n_items: int = 300, seed: int = 0) -> pd.DataFrame:
    """Sentences about three topics, two per document and these about one topic, with a length in words."""
    generator = np.random.default_rng(seed)
    topics = np.repeat(generator.choice(list(TOPICS), size=-(-n_items // 2)), 2)[:n_items]
    lengths = generator.integers(8, 16, size=n_items)
    texts = []
    for number, (topic, length) in enumerate(zip(topics, lengths, strict=True)):
        words = generator.choice([*TOPICS[topic].split(), *FILLERS], size=length)
        texts.append(" ".join([*words, f"item{number}"]))
    document = [f"d{number // 2}" for number in range(n_items)]
    columns = {"text": texts, "topic": topics, "n_words": lengths, "document": document}
    return pd.DataFrame({"key": [f"k{number}" for number in range(n_items)], **columns})


STUDY = """title: Toy
seed: 1
estimators: {linear: {}}
ranking: {n_resamples: 100}
correlation: {n_resamples: 100}
"""
DATASETS = "dataset\tsource\tpath\tcontent\tid\tgroup\ntoys\tfile\ttoys.csv\ttext\tkey\tdocument\n"
MODELS = """model\tloader\tfamily\tn_components\tanalyzer\tpath
words-8\tbag_of_words\twords\t8\t\t
words-2\tbag_of_words\twords\t2\t\t
chars-8\tbag_of_words\tcharacters\t8\tchar_wb\t
own\tprecomputed\town\t\t\town.npy
own-pca\tprincipal_components\town\t3\t\tmodel:own
"""
TASKS = """task\tkind\tdataset\tlabel
topic\tclassification\ttoys\ttopic
length\tregression\ttoys\tn_words
topic-clusters\tclustering\ttoys\ttopic
"""


STAGES = [
    "build_corpus",
    "make_looks",
    "train_language_model",
    "embed_items",  # with looks and without: a job is known by its script
    "estimate_pairs",  # of all targets in one job
    "probe_model",
    "measure_baselines",
    "rank_models",
    "analyse_ranking",
    "plot_figures",
    "write_page",
]

TRAINING = """training:
  bert:
    {dataset: toys, vocab_size: 200, hidden_size: 16, n_heads: 2, max_length: 16, warmup: 1, steps: [0, 3]}
"""

EXTRAS = """few_labels: {n_labels: [30, 100], n_draws: 2, ways: [logme]}
"""


def write_toy_study(folder: Path) -> Path:
    """Write the study's files and data into a new folder."""
    folder.mkdir()
    toy_texts().to_csv(folder / "toys.csv", index=False)
    np.save(folder / "own.npy", np.random.default_rng(3).normal(size=(300, 6)).astype(np.float32))
    contents = {"study.yaml": STUDY, "datasets.tsv": DATASETS, "models.tsv": MODELS, "tasks.tsv": TASKS}
    for name, content in contents.items():
        (folder / name).write_text(content)
    return folder


def add_model(study, row, column=None):
    table = study / "models.tsv"
    header, *rows = table.read_text().splitlines(keepends=True)
    header = header.replace("\n", f"\t{column}\n") if column else header
    table.write_text("".join([header, *rows, row]))


def add_all_stages(study: Path) -> None:
    """Let the study have a job of every stage: a model that it trains, few labels, and halves of texts.

    Models that have vectors from files cannot embed halves, and leave; a task is on data of its own.
    """
    with (study / "study.yaml").open("a") as stream:
        stream.write(TRAINING + EXTRAS)
    table = study / "models.tsv"
    rows = [row for row in table.read_text().splitlines() if not row.startswith("own\t")]
    table.write_text(
        "\n".join(rows).replace("own-pca", "chars-pca").replace("model:own", "model:chars-8") + "\n"
    )
    add_model(study, "bert\thidden_states\tbert\t\t\t\ttrained:bert/3\n", column="checkpoint")
    (study / "datasets.tsv").write_text(
        "dataset\tsource\tpath\tcontent\tid\tgroup\tviews\tranked\n"
        "toys\tfile\ttoys.csv\ttext\tkey\tdocument\thalves\t\n"
        "labelled\tfile\ttoys.csv\ttext\tkey\tdocument\t\tfalse\n"
    )
    tasks = study / "tasks.tsv"
    tasks.write_text(tasks.read_text().replace("clustering\ttoys", "clustering\tlabelled"))
