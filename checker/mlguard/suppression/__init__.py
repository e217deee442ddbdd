"""Findings that their authors accept: inline comments, metadata and acknowledgements, each with a reason."""

from mlguard.suppression.marking import Judged, Suppressions

__all__ = ["Judged", "Suppressions"]
