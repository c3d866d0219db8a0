"""Errors that a user can fix."""

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any


def did_you_mean(name: Any, valid: Iterable, at: str = "") -> str:
    """The end of a message about a wrong name: the nearest valid one, behind `at`; "" where none is near."""
    near = difflib.get_close_matches(str(name), [str(value) for value in valid], n=1)
    return f"; did you mean {at}{near[0]}?" if near else ""


def no_memory(error: BaseException) -> bool:
    """Whether an error of any library says that memory ran out: Python's, NumPy's, torch's of a CPU or a GPU."""
    said = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in said or "allocate memory" in said


class InputError(ValueError):
    """What was given cannot be used; the message says what, where and what to do about it."""


class NumericBreakdown(InputError):
    """A training left the numbers that can be computed with: a loss, gradient, weight or output is not finite."""


class Unusable(ValueError):
    """A file that is no usable axial CT image. `reason` is a short code that the ingest report counts.

    study: its Study Instance UID, where its header could be read.
    """

    def __init__(self, reason, detail, study=None):
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.study = study

    def __reduce__(self):
        return Unusable, (self.reason, self.detail, self.study)


@contextmanager
def damage_as(reason: str, detail: str) -> Iterator[None]:
    """Raises Unusable for whatever a library raises on damage, which is nearly everything: each is reported."""
    try:
        yield
    except Unusable:
        raise
    except Exception as error:
        raise Unusable(reason, f"{detail} ({type(error).__name__})") from error
