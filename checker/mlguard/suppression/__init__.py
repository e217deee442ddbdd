"""Findings that their authors accept: inline comments, metadata and acknowledgements, each with a reason."""

from mlguard.suppression.comments import Wish
from mlguard.suppression.marking import Rules, mark
from mlguard.suppression.verdicts import Wishes

__all__ = ["Rules", "Wish", "Wishes", "mark"]
