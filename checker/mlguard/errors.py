"""Every exception that mlguard raises on purpose, drawn as one tree.

MlguardError
├── UsageError           the command line asks for something impossible
├── SourceError          a file cannot be read, or is larger than a limit
│   └── LimitError       a documented limit was reached
├── ParseError           a file was read and is not what it claims to be
├── TemplateError        CloudFormation does not take a template, says cfn-lint
├── RefusedError         a file that steers mlguard itself is wrong
│   ├── ConfigurationError
│   ├── PolicyError
│   └── VocabularyError
└── GuardrailError       an organization policy cannot be generated safely

Each one names its file, and the line where there is one, so that it can be shown to a user as it is.
"""

from __future__ import annotations

from collections.abc import Iterable


class MlguardError(Exception):
    """A fault with a place: `path` relative to the scanned root, `line` and `column` from 1, or 0 when unknown."""

    def __init__(self, message: str, path: str = "", line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.line = line
        self.column = column

    def __str__(self) -> str:
        """Give `path:line:column: message`, as far as the place is known."""
        place = ":".join(str(part) for part in (self.path, self.line, self.column) if part)
        return f"{place}: {self.message}" if place else self.message


def fault(error: Exception) -> str:
    """Say that mlguard itself is at fault, and how to find out where."""
    return f"a fault in mlguard itself ({type(error).__name__}: {error}); MLGUARD_DEBUG=1 shows where"


class UsageError(MlguardError):
    """The command line asks for something that cannot be done."""


class SourceError(MlguardError):
    """A file cannot be read."""


class LimitError(SourceError):
    """A file or its meaning goes beyond a documented limit."""


class ParseError(MlguardError):
    """The text of a file is not what the file claims to be."""


class TemplateError(MlguardError):
    """A template is not one that CloudFormation takes."""


class RefusedError(MlguardError):
    """A file that steers mlguard is wrong: nothing is scanned."""


class ConfigurationError(RefusedError):
    """The configuration is wrong."""


class PolicyError(RefusedError):
    """A policy is wrong."""


class VocabularyError(RefusedError):
    """The vocabulary is wrong."""


class GuardrailError(MlguardError):
    """An organization policy cannot be generated safely."""


def suggestion(written: str, known: Iterable[str]) -> str:
    """Give `; did you mean "x"?` when something known is spelt nearly like that."""
    from difflib import get_close_matches  # noqa: PLC0415  (for what is wrong, which little is)

    near = get_close_matches(written, list(known), n=1)
    return f'; did you mean "{near[0]}"?' if near else ""
