"""Why an expression has no value."""

from __future__ import annotations


class FailureError(Exception):
    """Terraform refuses the expression; the message says why. `try` and `can` go on after it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotEvaluatedError(FailureError):
    """Terraform may well know a value, mlguard does not: a limit is reached, or a file is not read.

    Neither `try` nor `can` may take that for a refusal.
    """
