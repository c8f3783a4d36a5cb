import inspect

import pytest

from suffice.data.prose import clean_markup, is_prose, near_duplicate_keys, split_docstring

DOCSTRING = """
    Compute the sum of a list.

    The numbers are added one after
    the other::

        x = 1

    .. versionadded:: 1.0

    A second paragraph stands here.

    Parameters
    ----------
    values : list of float
        The numbers to add.
        They may be negative.

        A further paragraph on them.
    axis : int
        Which axis is summed.

            indented example

    Returns
    -------
    total : float
        Their sum.

    Notes
    -----
    - a list
    - of points

    Some prose in the notes.

    References
    ----------
    Nobody, Something, 1900.

    Examples
    --------
    >>> total([1])
    1

    An empty list gives zero.
    """


def test_a_docstring_is_split_into_named_prose_paragraphs():
    found = list(split_docstring(inspect.cleandoc(DOCSTRING)))
    assert found == [
        ("summary", "Compute the sum of a list."),
        ("extended summary", "The numbers are added one after\nthe other::"),
        ("extended summary", "A second paragraph stands here."),
        ("parameters", "The numbers to add.\nThey may be negative."),
        ("parameters", "A further paragraph on them."),
        ("parameters", "Which axis is summed."),
        ("returns", "Their sum."),
        ("notes", "Some prose in the notes."),
        ("examples", "An empty list gives zero."),
    ]


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("Use ``x.y`` and `z`.", "Use x.y and z."),
        ("See :func:`~numpy.fft.fft` or :py:class:`Array`.", "See numpy.fft.fft or Array."),
        (
            "See :ref:`the guide <guide>` and `this page <https://example.org>`_.",
            "See the guide and this page.",
        ),
        ("It is **very** fast, *really*\nfast.", "It is very fast, really fast."),
        ("It follows the method of Brent [1]_.", "It follows the method of Brent."),
        ("That is known. [2]_ It holds.", "That is known. It holds."),
        ("a * b * c", "a * b * c"),
    ],
)
def test_markup_is_cleaned(raw, clean):
    assert clean_markup(raw) == clean


PROSE = "If the input is not an array, then it is converted to one before the sum is taken."


@pytest.mark.parametrize(
    "text",
    [
        "Too short to be of use.",
        PROSE.replace("array", "word " * 150),
        PROSE.replace("array", ":math:`x^2`"),
        PROSE.replace("array", "%(name)s"),
        PROSE.replace("array", "naïve array"),
        PROSE.replace(" is", " as in [1]_ is"),
        PROSE.lower(),
        PROSE.removesuffix("."),
        ">>> " + PROSE,
        "x_1 = y[0] + z[1] * (a / b) - q[2] ** 3; the (w_1, w_2) of [3, 4, 5, 6] are 7, 8, 9, 10, 11 and 12.",
        "Matrix factorization singular values decomposition orthogonal polynomials rational approximations.",
    ],
)
def test_what_is_no_prose_is_refused(text):
    assert is_prose(PROSE)
    assert not is_prose(text)


def test_texts_that_differ_in_numbers_or_in_the_middle_share_a_key():
    first = "The number of jobs to run in parallel at once, 1 means one job, see the glossary."
    second = "The number of jobs to run in parallel at once, 5 means that many, ask someone who knows."
    other = "Another sentence altogether that has nothing in common with the ones above it."
    assert set(near_duplicate_keys(first)) & set(near_duplicate_keys(second))
    assert set(near_duplicate_keys(first)) & set(near_duplicate_keys(first.replace("1", "22")))
    assert not set(near_duplicate_keys(first)) & set(near_duplicate_keys(other))
