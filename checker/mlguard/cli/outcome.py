"""How a command ends: what it says and writes, and its exit code."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from mlguard.errors import UsageError
from mlguard.render.escape import terminal

CLEAN, FINDINGS, UNTRUSTED, NOTHING = 0, 1, 2, 3


def complain(message: str) -> int:
    """Tell the user what went wrong, and give the exit code for a run that cannot be trusted."""
    print(f"mlguard: {terminal(message, 0)}", file=sys.stderr)  # noqa: T201  (the command line speaks)
    return UNTRUSTED


def say(text: str) -> None:
    """Write to standard output, whatever its encoding can hold."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()


def write_report(text: str, output: str | None) -> None:
    """Write a report to a file, replaced as a whole, or to standard output; UsageError where it cannot be written."""
    if output is None:
        say(text)
        return
    target = Path(output)
    try:  # a report is replaced as a whole, so that a full disk leaves the old one
        import tempfile  # noqa: PLC0415  (few reports go to a file)

        with tempfile.NamedTemporaryFile("w", dir=target.parent, encoding="utf-8", delete=False, newline="\n") as file:
            file.write(text)
        os.replace(file.name, target)  # noqa: PTH105  (one call for every platform)
    except OSError as error:
        with contextlib.suppress(OSError, UnboundLocalError):
            Path(file.name).unlink()
        raise UsageError(f"cannot write {output}: {os.strerror(error.errno or 0)}") from None
