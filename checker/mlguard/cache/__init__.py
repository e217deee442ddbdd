"""What earlier runs found out, kept in the user's cache folder: it saves work and never changes a result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Recall = Callable[[str, Sequence[str], Callable[[str], Any]], dict[str, Any]]
"""Gives for each of some names the JSON that a function makes of it, where it is known without asking the function.

The text before the names tells what the function makes.
"""


def anew(_what: str, names: Sequence[str], make: Callable[[str], Any]) -> dict[str, Any]:
    """Ask the function for each name: nothing is known."""
    return {name: make(name) for name in names}
