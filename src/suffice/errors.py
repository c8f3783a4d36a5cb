"""Errors that a user can fix: the message says what is wrong, with which value, and what to do."""

import warnings

from suffice.secrets import without_secrets


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
    """The first line of an error's message, or its type if it has no message."""
    return next(iter(str(error).splitlines()), type(error).__name__)


class AssumptionWarning(UserWarning):
    """An assumption about an input from the user, such as an encoding that was guessed from its bytes."""


class DoubtWarning(UserWarning):
    """Why a result should not be relied on as it is, such as too few items for the width of a model."""


def assume(message: str) -> None:
    """Report an assumption: to the user of the library, on the command line, in a job's log."""
    warnings.warn(message, AssumptionWarning, stacklevel=3)
