"""Labels in any script: installed fonts take over, and letters without a font are named."""

import warnings

import pytest
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager

from suffice.plots import fonts
from suffice.plots.style import styled

CJK = "\u4e2d\u6587"


@pytest.fixture
def base_only(monkeypatch):
    """A machine that has the base font alone."""
    fonts.families.cache_clear()
    fonts.letters.cache_clear()
    monkeypatch.setattr(fontManager, "get_font_names", lambda: [fonts.BASE])
    yield
    fonts.families.cache_clear()
    fonts.letters.cache_clear()


def test_only_installed_fonts_are_asked_for_and_the_base_font_comes_first():
    assert fonts.families()[0] == fonts.BASE
    assert set(fonts.families()) <= set(fontManager.get_font_names())


def test_an_installed_font_of_many_scripts_takes_over(monkeypatch, base_only):
    installed = ["Noto Sans Thai", "Unifont", "Noto Sans CJK SC", fonts.BASE, "Comic Sans MS"]
    monkeypatch.setattr(fontManager, "get_font_names", lambda: installed)
    assert fonts.families() == (fonts.BASE, "Noto Sans CJK SC", "Unifont", "Noto Sans Thai")


def test_letters_without_a_font_are_named_once(base_only):
    assert fonts.missing_letters([f"model {CJK}", f"{CJK} \u00e9\u0434\u0627"]) == CJK
    note = fonts.note_on_fonts([CJK])
    assert f"are in no font on this machine: {CJK}. To see them, install a font" in note
    assert fonts.note_on_fonts(["plain", "\u00e9"]) == ""
    many = "".join(map(chr, range(0x4E00, 0x4E14)))
    assert f"{many[:12]} and 8 more" in fonts.note_on_fonts([many])


def test_figures_use_these_fonts(base_only, monkeypatch, tmp_path):
    @styled
    def draw(text):
        figure = Figure()
        figure.text(0.5, 0.5, text)
        figure.savefig(tmp_path / "label.png")
        return figure.texts[0].get_fontfamily()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert draw("\u00e9\u0434") == [fonts.BASE]
    with pytest.warns(UserWarning, match="missing from font"):
        draw(CJK)
