"""Examples in docstrings run, and every public name has one."""

import doctest
import importlib
import inspect
import re

import pytest

import suffice


def modules_with_examples(project):
    """The names of the library's modules that have a line of an example."""
    source = project / "src"
    with_examples = [path for path in (source / "suffice").rglob("*.py") if " >>> " in path.read_text()]
    return sorted(".".join(path.relative_to(source).with_suffix("").parts) for path in with_examples)


def in_reference(project):
    """The objects of the reference in the documentation, by dotted name; of a module what it has itself."""
    for name in re.findall(r"^::: (\S+)$", (project / "docs" / "reference.md").read_text(), re.MULTILINE):
        home, _, last = name.rpartition(".")
        found = getattr(importlib.import_module(home), last, None) or importlib.import_module(name)
        yield name, found
        if inspect.ismodule(found):
            yield from own_names(found)


def own_names(module):
    """The public functions and classes of a module, but for errors: one example tells how to catch them."""
    for name, each in vars(module).items():
        is_error = inspect.isclass(each) and issubclass(each, Exception)
        is_own = getattr(each, "__module__", "") == module.__name__ and not is_error
        if is_own and not name.startswith("_") and (inspect.isclass(each) or inspect.isfunction(each)):
            yield f"{module.__name__}.{name}", each


def without_example(named):
    return [name for name, each in named if not doctest.DocTestParser().get_examples(each.__doc__ or "")]


@pytest.mark.filterwarnings("ignore::suffice.errors.DoubtWarning")
def test_every_example_says_what_it_gives(project):
    names = modules_with_examples(project)
    assert len(names) > 8
    n_run = 0
    for name in names:
        module = importlib.import_module(name)
        result = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
        assert result.failed == 0, f"examples in {name}"
        n_run += result.attempted
    assert n_run > 40


def test_every_public_name_has_an_example(project):
    public = [(name, getattr(suffice, name)) for name in suffice.__all__]
    described = [(name, each) for name, each in public if inspect.isclass(each) or inspect.isfunction(each)]
    assert [name for name, _ in public if name not in dict(described)] == ["ESTIMATORS", "__version__"]
    reference = dict(in_reference(project))
    assert "suffice.errors.first_line" in reference
    assert without_example([*described, *reference.items()]) == []


def test_a_name_without_an_example_is_listed():
    def plain():
        """Give one."""

    def shown():
        """Give one.

        Example:
            >>> 1
            1
        """

    assert without_example([("plain", plain), ("shown", shown)]) == ["plain"]
