"""Fonts for labels in any script: the installed fonts, and letters that are missing from all of them."""

from collections.abc import Iterable
from functools import cache

BASE = "DejaVu Sans"
WIDE = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans CJK KR", "Source Han Sans SC", "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei", "Droid Sans Fallback", "PingFang SC", "Hiragino Sans", "Apple SD Gothic Neo",
    "Microsoft YaHei", "Yu Gothic", "Malgun Gothic", "Noto Naskh Arabic", "Segoe UI", "Nirmala UI",
    "Geeza Pro", "Arial Unicode MS", "Unifont",
)  # fmt: skip
"""Fonts for many scripts on Linux, macOS and Windows, best first."""
NOTO = "Noto Sans "
REMEDY = "install a font that has them, such as fonts-noto or fonts-noto-cjk, and draw the figures again"
MOST = 12  # letters that are named


@cache
def families() -> tuple[str, ...]:
    """The base font, then the installed fonts for letters that it lacks."""
    from matplotlib.font_manager import fontManager

    installed = set(fontManager.get_font_names())
    noto = sorted(name for name in installed if name.startswith(NOTO))
    wide = [name for name in WIDE if name in installed]
    return tuple(dict.fromkeys([BASE, *wide, *noto]))


@cache
def letters() -> frozenset[int]:
    """Code points of all letters that figures can show."""
    from matplotlib.font_manager import findfont
    from matplotlib.ft2font import FT2Font

    return frozenset().union(*(FT2Font(findfont(name)).get_charmap() for name in families()))


def missing_letters(texts: Iterable[str]) -> str:
    """The letters that figures show as boxes, each once, in order."""
    used = {letter for text in texts for letter in text if letter.isprintable() and not letter.isspace()}
    return "".join(sorted(letter for letter in used if ord(letter) not in letters()))


def note_on_fonts(texts: Iterable[str]) -> str:
    """A sentence on the letters that figures cannot show; empty if there are none."""
    missing = missing_letters(texts)
    if not missing:
        return ""
    some = missing if len(missing) <= MOST else f"{missing[:MOST]} and {len(missing) - MOST} more"
    return (
        "The PNG and PDF files of figures show boxes for letters that are in no font on this machine: "
        f"{some}. To see them, {REMEDY}."
    )
