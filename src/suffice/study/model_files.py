"""The local files that a model's settings name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from suffice.embed.own_function import source_of
from suffice.embed.vector_files import split_array

FILE_SETTINGS = ("path", "second_path", "vocabulary", "ids", "continuations", "checkpoint")


def files_of_settings(settings: Mapping[str, Any]) -> list[str]:
    """All local files in a model's settings; a folder counts as all files in it.

    A function `module:name` stands for the source file of its module.
    """
    named = (str(settings[key]) for key in FILE_SETTINGS if key in settings)
    paths = [split_array(Path(each))[0] for each in named]
    inside = [sorted(path.rglob("*")) if path.is_dir() else [path] for path in paths]
    source = source_of(str(settings["function"])) if ":" in str(settings.get("function")) else None
    inside += [[source]] if source else []
    return [str(path) for files in inside for path in files if path.is_file()]
