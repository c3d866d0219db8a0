"""Loaded before any test: hohoho before torch, as the stages do it, so that its threads do not spin."""

import hohoho  # noqa: F401
