"""Errors that a user can mend: the message says what is wrong, with which value, and what to do."""

import warnings

from suffice.secrets import without_secrets

OUT_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory", "std::bad_alloc")


class SufficeError(ValueError):
    """Something the user gave cannot be used; the message names it and the remedy.

    The command line and the workflow print the message alone, without a traceback. Secrets in addresses are
    cut from it.
    """

    def __init__(self, message: object = "") -> None:
        super().__init__(without_secrets(str(message)))


class StudyError(SufficeError):
    """A study's files are wrong: names the file, the key and the value."""


class DataError(SufficeError):
    """A data set cannot be read or is not fit for use."""


class ModelError(SufficeError):
    """A model cannot be loaded, or gave vectors that cannot be used."""


class NotFetchedError(ModelError):
    """A checkpoint of the hub is not in the local cache, which a plan alone can do without."""


class EstimationError(SufficeError):
    """Embeddings are not fit for an estimate, or an estimate did not come out finite."""


def first_line(error: BaseException) -> str:
    """The first line of an error's message; its kind if it has none."""
    return next(iter(str(error).splitlines()), type(error).__name__)


class AssumptionWarning(UserWarning):
    """What was assumed of something the user gave, such as an encoding that was told by its bytes."""


class DoubtWarning(UserWarning):
    """Why a result should not be relied on as it is, such as too few items for the width of a model."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there is not enough memory, on a GPU or on the machine."""
    said = str(error).lower()
    of_library = isinstance(error, RuntimeError) and any(words in said for words in OUT_OF_MEMORY)
    return isinstance(error, MemoryError) or of_library


def out_of_memory(error: BaseException) -> str:
    """A sentence for a reader."""
    reason = first_line(error) or type(error).__name__
    return (
        f"there is not enough memory ({reason}); give fewer items, dimensions or jobs at once, or use a "
        "machine with more. What is finished is kept"
    )


def assume(message: str) -> None:
    """Say what is assumed: to the user of the library, on the command line, in a job's log."""
    warnings.warn(message, AssumptionWarning, stacklevel=3)
