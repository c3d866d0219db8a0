"""Errors that a user can fix."""


class InputError(ValueError):
    """What was given cannot be used; the message says what, where and what to do about it."""


class NumericBreakdown(InputError):
    """A training left the numbers that can be computed with: a loss, gradient, weight or output is not finite."""


class Unusable(ValueError):
    """A file that is no usable axial CT image. `reason` is a short code that the ingest report counts."""

    def __init__(self, reason, detail):
        super().__init__(detail)
        self.reason = reason
        self.detail = detail

    def __reduce__(self):
        return Unusable, (self.reason, self.detail)
