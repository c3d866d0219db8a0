"""The one error that means: the user can mend this."""


class InputError(ValueError):
    """What was given cannot be used; the message says what, where and what to do about it."""
