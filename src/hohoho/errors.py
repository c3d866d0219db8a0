"""Errors that a user can fix."""


class InputError(ValueError):
    """What was given cannot be used; the message says what, where and what to do about it."""


class NumericBreakdown(InputError):
    """A training left the numbers that can be computed with: a loss, gradient, weight or output is not finite."""
