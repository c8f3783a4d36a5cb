"""Progress: silent unless asked for, lines with speed and time left, a bar on a terminal."""

import re

import pytest

from suffice import progress
from suffice.progress import counted, counting, duration, showing_progress


def test_nothing_is_said_unless_asked(capsys):
    assert list(counted("abc", "letters", 3, "letters")) == ["a", "b", "c"]
    progress.tell("a line")
    assert capsys.readouterr() == ("", "")


def test_lines_say_how_much_how_fast_and_how_long(monkeypatch):
    clock = iter([0.0, 5.0, 20.0, 25.0, 40.0, 41.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    lines = []
    with showing_progress(lines.append), counting("minilm", 1200, "items") as done:
        for _ in range(4):
            done(300)
    assert lines == [
        "minilm: 600 of 1,200 items, 30 items per second, 20 s left",
        "minilm: 1,200 items in 41 s",
    ]


def test_a_terminal_has_a_bar(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with showing_progress():
        list(counted(range(5), "linear", 5, "pairs"))
    shown = capsys.readouterr().err
    assert re.search(r"linear:\s+0%.*0/5", shown) and "linear: 5 pairs in 0 s" in shown


def test_what_fails_is_not_said_to_have_ended():
    lines = []
    with pytest.raises(ZeroDivisionError), showing_progress(lines.append), counting("a", 2, "items") as done:
        done(1 // 0)
    assert not lines


@pytest.mark.parametrize(
    ("seconds", "said"), [(11.6, "12 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (0.2, "0 s")]
)
def test_durations_in_words(seconds, said):
    assert duration(seconds) == said
