"""Errors that a user can fix: the message says what is wrong, with which value, and what to do.

Example:
    >>> import numpy as np
    >>> from suffice import estimate
    >>> try:
    ...     estimate(np.eye(3), np.eye(3)[:2])
    ... except SufficeError as error:
    ...     print(error)
    source has 3 items but target has 2; embed both models on the same data set, in the same order
"""

import warnings

from suffice.secrets import without_secrets

OUT_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory", "std::bad_alloc")


class SufficeError(ValueError):
    """An input from the user cannot be used; the message names it and the remedy.

    The command line and the workflow print only the message, without a traceback. Secrets in addresses are
    removed from it.
    """

    def __init__(self, message: object = "") -> None:
        super().__init__(without_secrets(str(message)))


class StudyError(SufficeError):
    """A study's files are wrong: names the file, the key and the value."""


class DataError(SufficeError):
    """A data set cannot be read or used."""


class ModelError(SufficeError):
    """A model cannot be loaded, or its vectors cannot be used."""


class NotFetchedError(ModelError):
    """A hub checkpoint is not in the local cache; a plan does not need it."""


class EstimationError(SufficeError):
    """Embeddings cannot be used for an estimate, or an estimate is not finite."""


def first_line(error: BaseException) -> str:
    """The first line of an error's message, or its type if it has no message.

    Example:
        >>> first_line(ValueError("no such column: text")), first_line(MemoryError())
        ('no such column: text', 'MemoryError')
    """
    return next(iter(str(error).splitlines()), type(error).__name__)


class AssumptionWarning(UserWarning):
    """An assumption about an input from the user, such as an encoding that was guessed from its bytes."""


class DoubtWarning(UserWarning):
    """Why a result should not be relied on as it is, such as too few items for the width of a model."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there is not enough memory, on a GPU or on the machine.

    Example:
        >>> is_out_of_memory(RuntimeError("CUDA out of memory")), is_out_of_memory(RuntimeError("no GPU"))
        (True, False)
    """
    said = str(error).lower()
    of_library = isinstance(error, RuntimeError) and any(words in said for words in OUT_OF_MEMORY)
    return isinstance(error, MemoryError) or of_library


def out_of_memory(error: BaseException) -> str:
    """A sentence for a reader.

    Example:
        >>> out_of_memory(MemoryError("cannot allocate 8 GiB")).split(";")[0]
        'there is not enough memory (cannot allocate 8 GiB)'
    """
    reason = first_line(error) or type(error).__name__
    return (
        f"there is not enough memory ({reason}); give fewer items, dimensions or jobs at once, or use a "
        "machine with more. What is finished is kept"
    )


def assume(message: str) -> None:
    """Report an assumption: to the user of the library, on the command line, in a job's log.

    Example:
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     assume("the file is read as UTF-8")
        >>> caught[0].category.__name__, str(caught[0].message)
        ('AssumptionWarning', 'the file is read as UTF-8')
    """
    warnings.warn(message, AssumptionWarning, stacklevel=3)
