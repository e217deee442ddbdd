"""Which reports a run is asked for: pairs of `--format` and `--output`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from mlguard.errors import UsageError
from mlguard.finding import number_of
from mlguard.render import FORMATS, renderer

_STANDARD_OUTPUT = "-"


def add_reports(parser: argparse.ArgumentParser) -> None:
    """Declare `--format` and `--output`."""
    add, names = parser.add_argument, list(FORMATS)
    add(
        "--format",
        action="append",
        default=[],
        metavar="FORMAT",
        help=f"{', '.join(names[:-1])} or {names[-1]}; several, each with its --output, write several reports",
    )
    add(
        "--output",
        action="append",
        default=[],
        metavar="FILE",
        help="write the report to a file; - is standard output, as is no --output at all",
    )


def reports_wanted(formats: Sequence[str], outputs: Sequence[str]) -> list[tuple[str, str | None]]:
    """Pair formats with the files to write, None for standard output, in the order in which they are given.

    UsageError where they do not match, so that nobody waits for a scan whose report has nowhere to go.
    """
    formats = formats or ["text"]
    for name in formats:
        renderer(name)
    if len(formats) == 1 and not outputs:
        return [(formats[0], None)]
    if len(formats) != len(outputs):
        raise UsageError(
            f"there are {number_of(len(formats), '--format')} and {number_of(len(outputs), '--output')}: "
            "give each --format an --output of its own, - for standard output"
        )
    for output in outputs:
        _check(output, outputs)
    return [
        (form, None if output == _STANDARD_OUTPUT else output) for form, output in zip(formats, outputs, strict=True)
    ]


def _check(output: str, outputs: Sequence[str]) -> None:
    if outputs.count(output) > 1:
        name = "standard output" if output == _STANDARD_OUTPUT else output
        raise UsageError(f"two reports cannot go to {name}: give each --format an --output of its own")
    if output == _STANDARD_OUTPUT:
        return
    if not output or Path(output).is_dir():
        raise UsageError(f'cannot write a report to "{output}": --output takes the name of a file')
    if not Path(output).parent.is_dir():
        raise UsageError(f"cannot write {output}: there is no folder {Path(output).parent}")
