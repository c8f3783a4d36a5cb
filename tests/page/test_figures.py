"""Figures inside a page: what is left of an SVG file, and what a page makes of its colours."""

import re
from importlib.resources import files

import pytest

from suffice.errors import DataError
from suffice.page.figures import VARIABLES, view_figure

HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 10 20">'
)
SCHEMES = re.findall(
    r"\{([^{}]*--mark-1[^{}]*)\}", files("suffice.page").joinpath("style.html.j2").read_text()
)


@pytest.fixture
def inline(tmp_path):
    """A function that gives the markup of an SVG file with some content."""

    def make(content, title="t", alt="", subject=""):
        path = tmp_path / "figure.svg"
        path.write_text(f"{HEAD}{content}</svg>")
        return str(view_figure(title, "", alt, path, subject).image)

    return make


def test_styles_become_attributes_and_colours_become_variables_of_the_page(inline):
    image = inline('<path d="M 0 0\nL 1 1" style="fill: none; stroke: #d55e00; stroke-width: 2"/>')
    assert '<path d="M 0 0 L 1 1" fill="none" stroke="var(--mark-2)" stroke-width="2" />' in image
    for color, shown in (("#ffffff", "var(--sheet)"), ("#222222", "var(--ink)"), ("#fefefe", "#fefefe")):
        assert f'fill="{shown}"' in inline(f'<rect style="fill: {color}"/>')


def test_each_scheme_has_a_colour_for_every_variable():
    assert len(SCHEMES) == 2
    for scheme in SCHEMES:
        assert set(VARIABLES.values()) <= set(re.findall(r"(--[\w-]+):", scheme))


def test_marks_can_be_seen_in_the_dark():
    colors = dict(re.findall(r"(--[\w-]+): #(\w{6})", SCHEMES[1]))
    marks = [name for name in colors if name.startswith("--mark")]
    assert len(marks) == 7
    for name in marks:
        assert _contrast(colors[name], colors["--sheet"]) > 4.5


def _contrast(one, other):
    """Contrast of two colours. Source: W3C, Web Content Accessibility Guidelines 2.2, contrast ratio."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(color):
    parts = [int(color[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(part * weight for part, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


def test_ids_are_of_one_figure_alone(inline):
    content = '<defs><path id="m" d="M 0 0"/><clipPath id="c"/></defs><g id="axes_1" clip-path="url(#c)">'
    content += '<use xlink:href="#m"/></g>'
    images = [inline(content, subject=subject) for subject in ("one", "other")]
    found = [set(re.findall(r' id="([^"]*)"', image)) for image in images]
    assert len(found[0]) == len(found[1]) == 3 and not found[0] & found[1]
    for image, ids in zip(images, found, strict=True):
        assert {
            part for pair in re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', image) for part in pair if part
        } <= ids
        assert "axes_1" not in image


def test_words_of_a_figure_are_told_and_escaped(inline):
    image = inline("", title="A <b>", alt="told & told", subject="toys")
    name, alt = re.search('aria-labelledby="([^"]*)"', image)[1].split()
    assert f'<title id="{name}">A &lt;b&gt;: toys</title><desc id="{alt}">told &amp; told</desc>' in image
    assert "<desc" not in inline("")


def test_texts_stay_texts_in_fonts_of_the_page(svg):
    image = str(view_figure("t", "", "", svg).image)
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", image)
    assert {"\u4e2d\u6587", "on a cell"} <= set(texts)
    assert "font-family" not in image and "style" not in image and "matplotlib" not in image
    assert len(re.findall('<image [^>]*href="data:image/png;base64,', image)) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<script>alert(1)</script>", "an element 'script'"),
        ("<foreignObject/>", "an element 'foreignObject'"),
        ('<use xlink:href="https://host/a.svg#b"/>', "a link to 'https://host"),
        ('<image xlink:href="data:image/svg+xml,x"/>', "a link to 'data:image/svg"),
    ],
)
def test_what_a_figure_has_no_use_for_is_refused(inline, content, message):
    with pytest.raises(DataError, match=message):
        inline(content)


def test_events_and_unknown_attributes_are_left_out(inline):
    assert "alert" not in inline('<path d="M 0 0" onclick="alert(1)" data-x="alert(2)"/>')
