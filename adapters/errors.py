"""What an adapter raises, and what is raised about one."""

from __future__ import annotations


class AdapterError(ValueError):
    """An adapter that cannot be found or is not one; the message says what to write instead."""


class BoxError(ValueError):
    """A box that cannot be used as one: the message says what it did, and what to write or to change instead."""


class Unsupported(Exception):
    """Raised by an adapter for a combination that its framework does not offer; the cell is then ``absent``."""
