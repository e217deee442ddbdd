"""`mlguard baseline`: write down what is there, so that scans tell it from what comes."""

from __future__ import annotations

import argparse
from pathlib import Path

from mlguard.cli.change import add_pins
from mlguard.cli.inputs import add_context, paths_given, relative
from mlguard.cli.judging import add_judging, scan_options
from mlguard.cli.outcome import CLEAN, complain, say, write_report
from mlguard.errors import ConfigurationError
from mlguard.finding import Finding, number_of, sum_of
from mlguard.record import replace
from mlguard.render.escape import terminal
from mlguard.render.money import range_of
from mlguard.review.baseline import FILE_NAME, accepted, baseline_text, read_baseline
from mlguard.scan import scan
from mlguard.source import Root
from mlguard.source.root import root_of


def add_baseline(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `mlguard baseline`."""
    add = parser.add_argument
    add("paths", nargs="*", metavar="PATH", help="files or folders; this folder by default")
    add("--output", metavar="FILE", help=f"the file to write; {FILE_NAME} at the top of the repository by default")
    add_context(parser)
    add_judging(parser)
    add("--no-ignores", action="store_true", help="write down what is suppressed, too")
    add_pins(parser)
    parser.set_defaults(run=baseline_command)


def baseline_command(options: argparse.Namespace) -> int:
    """`mlguard baseline`."""
    paths = paths_given(options.paths) or [Path()]
    root = Root(root_of(paths))
    made = scan_options(options, root, root)
    output = Path(options.output or root.folder / (made.configuration.baseline or FILE_NAME))
    report = scan(replace(made, paths=tuple(relative(root, path) for path in paths)))
    if report.problems:
        return complain(f"no baseline is written of what cannot be read in full: {report.problems[0]}")
    findings = accepted(report, made.terms)
    before = _before(output)
    write_report(baseline_text(findings), str(output))
    money = range_of(sum_of(part for one in findings for part in one.exposure))
    stake = f", {money} a month at stake" if money else ""
    say(f"{terminal(str(output))}: {number_of(len(findings), 'finding')}{stake}{_difference(before, findings)}\n")
    return CLEAN


def _before(output: Path) -> frozenset[str] | None:
    """Give the fingerprints that the file holds already, None where there is none that can be read."""
    if not output.is_file():
        return None
    try:
        return frozenset(read_baseline(Root(output.absolute().parent), output.name).entries)
    except ConfigurationError:
        return None


def _difference(before: frozenset[str] | None, findings: list[Finding]) -> str:
    if before is None:
        return ""
    now = {finding.fingerprint for finding in findings}
    return f"; {len(now - before)} added, {len(before - now)} dropped"
