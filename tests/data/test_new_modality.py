"""A new modality, added by the letter of CONTRIBUTING: one file and one line, and a study of it runs."""

import hashlib
import os
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from suffice.data.dataset_settings import DatasetSettings
from suffice.data.modalities.registry import MODALITIES
from suffice.storage.files import read_json

FOLDERS = ("config", "envs", "profiles", "report", "rules", "scripts", "src")
PLACE = "src/suffice/data/modalities"
FILE = '''"""DNA as items."""

from pydantic import Field

from suffice.data.modalities.base import Modality
from suffice.settings import Settings

PAIRS = str.maketrans("ACGT", "TGCA")


class SequenceSettings(Settings):
    """Columns of datasets.tsv for sequences alone."""

    both_strands: bool = Field(False, description="a sequence and its reverse complement are one item")


class Sequence(Modality):
    """DNA, in capital letters."""

    name = "dna"
    items = "sequences"
    summary = "items are sequences of A, C, G and T"
    content = "sequence"
    Settings = SequenceSettings
    sources = ("file",)
    read_as = ("sequence", "text")
    views = ("files", "group", "halves")
    auto_views = ("files", "group")
    estimators_of_looks = ("linear", "gaussian")
    models = {
        "bases-2": {"loader": "bag_of_words", "family": "bases", "analyzer": "char_wb", "n_components": "2"},
        "bases-4": {
            "loader": "bag_of_words", "family": "bases", "analyzer": "char_wb", "ngram_max": "3",
            "n_components": "4",
        },
    }
    control = (
        "untrained",
        {
            "loader": "bag_of_words", "family": "untrained", "analyzer": "char_wb", "n_components": "3",
            "weighting": "counts", "reduction": "random_projection", "control": "true", "target": "false",
        },
    )

    def canonical(self, content, settings):
        """Capital letters; of both strands the one that comes first."""
        upper = super().canonical(content, settings).str.upper()
        if not settings.modality_settings.get("both_strands"):
            return upper
        return upper.map(lambda bases: min(bases, bases.translate(PAIRS)[::-1]))

    def faults(self, content, settings):
        """Also what is no sequence."""
        strange = content.str.contains("[^ACGT]")
        of_text = super().faults(content, settings)
        return {"no sequence": strange, **{why: mask & ~strange for why, mask in of_text.items()}}


SEQUENCE = Sequence()
'''


def test_no_column_of_a_modality_is_one_of_all_data_sets():
    for modality in MODALITIES.values():
        assert not modality.Settings.model_fields.keys() & DatasetSettings.model_fields.keys()


def hashes(root):
    files = (path for path in (root / "src").rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def changed_files(before, after):
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


@pytest.fixture
def checkout(project, tmp_path):
    """A copy of the project with one more modality."""
    copy = tmp_path / "checkout"
    copy.mkdir()
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in FOLDERS:
        shutil.copytree(project / name, copy / name, ignore=ignored)
    shutil.copy2(project / "Snakefile", copy / "Snakefile")
    before = hashes(copy)
    (copy / PLACE / "sequence.py").write_text(FILE)
    registry = copy / PLACE / "registry.py"
    text = registry.read_text().replace("        TEXT,\n", "        TEXT,\n        SEQUENCE,\n")
    line = "from suffice.data.modalities.text import TEXT\n"
    registry.write_text(text.replace(line, "from suffice.data.modalities.sequence import SEQUENCE\n" + line))
    assert changed_files(before, hashes(copy)) == [f"{PLACE}/registry.py", f"{PLACE}/sequence.py"]
    return copy


@pytest.fixture
def sequences(tmp_path):
    """Reads of ten genomes, one in small letters; one that is no sequence; both strands of another."""
    generator = np.random.default_rng(0)
    shares = generator.dirichlet([2, 2, 2, 2], size=10)
    rows = [("".join(generator.choice(list("ACGT"), 60, p=shares[row % 10])), row % 10) for row in range(250)]
    rows[0] = (rows[0][0].lower(), 0)
    table = pd.DataFrame([*rows, ("ACGU", 0), ("AAAT", 1), ("ATTT", 1)], columns=["sequence", "genome"])
    path = tmp_path / "reads.csv"
    table.to_csv(path, index=False)
    return path


def run(checkout, folder, *arguments):
    """A command of the copy: its exit status, and what it said."""
    command = [sys.executable, "-m", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(checkout / "src")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def study(checkout, sequences, tmp_path):
    """A new study of the sequences."""
    of_dna = ("--texts", sequences, "--content-type", "dna", "--folder", tmp_path)
    status, said = run(checkout, tmp_path, "suffice", "new-study", "genomes", *of_dna)
    assert status == 0, said
    return tmp_path / "genomes"


def set_cell(study, column, value):
    """Fill a cell of the one row of datasets.tsv."""
    table = study / "datasets.tsv"
    header, row = (line.split("\t") for line in table.read_text().splitlines())
    cells = dict(zip(header, row, strict=True)) | {column: value}
    table.write_text("\t".join(cells) + "\n" + "\t".join(cells.values()) + "\n")


@pytest.mark.workflow
def test_a_study_of_a_new_modality_runs_to_its_ranking(checkout, study, tmp_path):
    set_cell(study, "both_strands", "true")
    target = "results/genomes/ranking/reads/linear.csv"
    snakemake = ("snakemake", "--snakefile", checkout / "Snakefile", "--cores", 2, target)
    status, said = run(checkout, tmp_path, *snakemake, "--config", f"study={study}")
    assert status == 0, said[-4000:]
    corpus = pd.read_parquet(tmp_path / "results/genomes/corpora/reads.parquet")
    assert len(corpus) == 251 and corpus["content"].str.fullmatch("[ACGT]+").all()
    assert "AAAT" in set(corpus["content"]) and "ATTT" not in set(corpus["content"])  # one item
    manifest = read_json(tmp_path / "results/genomes/corpora/reads.json")
    assert manifest["dropped"] == {"no sequence": 1, "duplicate": 1}
    assert manifest["settings"]["both_strands"] is True
    ranking = pd.read_csv(tmp_path / target)
    assert set(ranking["model"]) == {"bases-2", "bases-4", "untrained"}
    assert ranking.loc[ranking["is_control"], "model"].tolist() == ["untrained"]


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("views", "words", "sequences do not offer such looks; set views to files, group, halves or none"),
        ("both_strands", "maybe", "key 'both_strands' has the value 'maybe'"),
        ("scaffolds", "true", "scaffolds: only with content_type smiles; leave empty"),
        ("content_type", "rna", "no content type 'rna'; did you mean 'dna'"),
        ("source", "hub", "content_type dna is for source file, not for 'hub'"),
    ],
)
def test_what_the_new_modality_does_not_have_is_named(checkout, study, tmp_path, column, value, message):
    set_cell(study, column, value)
    status, said = run(checkout, tmp_path, "suffice", "fetch", study)
    assert status == 1 and message in said


def test_a_loader_of_another_modality_is_refused(checkout, study, tmp_path):
    with (study / "models.tsv").open("a") as stream:
        stream.write("sizes\tmolecule_descriptors\n")
    status, said = run(checkout, tmp_path, "suffice", "fetch", study)
    assert status == 1
    assert "'sizes': the loader molecule_descriptors reads items of the modality molecule" in said
    assert "are sequences; set its content_type" in said
