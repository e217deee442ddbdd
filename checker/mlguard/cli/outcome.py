"""How a command ends: what it says and writes, and its exit code."""

from __future__ import annotations

import io
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
    """Write to standard output, whatever its encoding can hold, with the line ends that the text has."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(newline="")
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough
        raise
    except OSError as error:
        raise UsageError(f"cannot write to standard output: {os.strerror(error.errno or 0)}") from None


def write_report(text: str, output: str | None) -> None:
    """Write a report to a file, replaced as a whole, or to standard output; UsageError where it cannot be written."""
    if output is None:
        say(text)
        return
    try:
        _replace(Path(output), text.encode())
    except OSError as error:
        raise UsageError(f"cannot write {output}: {os.strerror(error.errno or 0)}") from None


def _replace(target: Path, content: bytes) -> None:
    """Write beside the file and rename, so that a full disk leaves the old one; a device or pipe is written to."""
    device = Path(os.path.abspath(target)).is_relative_to("/dev")  # noqa: PTH100  (/dev/stdout may lead to a file)
    if device or (target.exists() and not target.is_file()):
        target.write_bytes(content)
        return
    from secrets import token_hex  # noqa: PLC0415  (few reports go to a file)

    beside = target.with_name(f".{token_hex(8)}.mlguard")
    try:
        with beside.open("xb") as file:
            file.write(content)
        os.replace(beside, target)  # noqa: PTH105  (one call for every platform)
    finally:
        beside.unlink(missing_ok=True)
