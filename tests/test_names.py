"""Names of every shape: twins of Unicode, marks of direction, line ends, dollars and braces."""

import unicodedata

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from suffice.cli import main
from suffice.embed.vector_files import names_of_files
from suffice.errors import DataError, StudyError
from suffice.names import same_name, shown_name
from suffice.plots.style import Drawn, as_written, save_figure
from suffice.storage.files import temporary_path, whole_files
from suffice.study.read import refuse_braces

NAMES = ["caf\u00e9", "\uac00\ub098", "\u1e69", "plain", "\u00c5ngstr\u00f6m"]
ODD = ["$x_1$", r"$\foo$", "50$ or {60$}", "a\u202eb", "tab\there", "$", r"\alpha_{", "x^2_3", "#1 & 100%"]


@pytest.mark.parametrize("name", NAMES)
def test_twins_of_unicode_are_one_name(name, tmp_path):
    twin = unicodedata.normalize("NFD", name)
    assert same_name(twin) == same_name(name) == name
    assert names_of_files([tmp_path / f"{twin}.npy"]) == [name]


def test_two_files_with_twin_names_are_refused(tmp_path, capsys):
    for form in ("NFC", "NFD"):
        np.save(tmp_path / f"{unicodedata.normalize(form, NAMES[0])}.npy", np.ones((60, 2)))
    files = sorted(map(str, tmp_path.glob("*.npy")))
    assert len(files) == 2
    assert main(["rank", *files, "--out", str(tmp_path / "out")]) == 1
    assert "two files give the model name 'caf\u00e9'" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["a\nb", "a\u202eb", "\u200fx", "tab\tx", "a\x07"])
def test_names_that_cannot_be_shown_are_refused(name, tmp_path):
    with pytest.raises(DataError, match="cannot be shown on one line"):
        names_of_files([tmp_path / f"{name}.npy"])
    assert shown_name(name).isprintable() and "\u202e" not in shown_name(name)


def test_what_a_killed_writer_left_is_no_model(tmp_path):
    left = temporary_path(tmp_path / "m.npy")
    left.touch()
    (tmp_path / "m.npy").touch()
    assert whole_files(tmp_path, "*.npy") == [tmp_path / "m.npy"]
    with pytest.raises(DataError, match="killed"):
        names_of_files([left])


def drawn_texts(names):
    figure = Figure(figsize=(4, 3))
    axes = figure.add_subplot()
    axes.bar(range(len(names)), range(1, len(names) + 1), label=names[0])
    axes.set_xticks(range(len(names)), names)
    axes.set_title(names[-1])
    axes.set_yscale("log")
    axes.legend()
    return figure


@pytest.mark.parametrize("name", ODD)
def test_no_name_breaks_a_figure_or_is_typeset_as_a_formula(name, tmp_path):
    figure = drawn_texts([name, "other"])
    save_figure(Drawn(figure, pd.DataFrame({"model": [name]})), tmp_path / "f")
    labels = [text for text in figure.findobj(Text) if text.get_text() == shown_name(name)]
    assert len(labels) >= 2 and not any(text.get_parse_math() for text in labels)
    assert (tmp_path / "f.png").stat().st_size > 1000


def test_powers_of_ten_stay_formulas():
    figure = drawn_texts(["a", "b"])
    as_written(figure)
    figure.draw_without_rendering()
    powers = [text for text in figure.axes[0].get_yticklabels() if "10" in text.get_text()]
    assert powers and all(text.get_parse_math() for text in powers)
    assert matplotlib.rcParams["text.parse_math"]


@pytest.mark.parametrize("path", ["/data/{dataset}.csv", "/my {x}/v.npy", "/a/{}.npy"])
def test_braces_are_refused_before_snakemake_takes_them_for_its_own(path):
    with pytest.raises(StudyError, match="has braces"):
        refuse_braces(path)
    refuse_braces(path.replace("{", "(").replace("}", ")"))
