"""`mlguard scan --diff` and `--fix`: show what mending the code would change, or mend it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from mlguard.cli.outcome import CLEAN, FINDINGS, UNTRUSTED, say, write_report
from mlguard.cli.reports import reports_wanted
from mlguard.errors import MlguardError
from mlguard.finding import Finding, Report, Splice, number_of
from mlguard.render.advice import shown_path
from mlguard.render.escape import terminal, terminal_continuation, terminal_path
from mlguard.repair.rounds import Mended, mend
from mlguard.repair.splices import difference
from mlguard.source import Root
from mlguard.source.replacing import replace_text

Again = Callable[[Mapping[str, str], frozenset[str]], Report]
"""Scans the projects of some files again, with other texts instead of those of some files."""


def mended(report: Report, options: argparse.Namespace, paths: Sequence[str], again: Again) -> Mended:
    """Try every fix that the user chose, in memory; only files below the paths that were asked for are mended."""
    touched = frozenset(
        splice.path for finding in report.findings if finding.repair is not None for splice in finding.repair.splices
    )
    return mend(
        report,
        lambda texts: again(texts, touched),
        lambda finding: _is_chosen(finding, options) and _is_below(finding, paths),
    )


def _is_chosen(finding: Finding, options: argparse.Namespace) -> bool:
    return finding.repair is not None and (finding.repair.safe or options.unsafe_fixes)


def _is_below(finding: Finding, paths: Sequence[str]) -> bool:
    splices = finding.repair.splices if finding.repair is not None else ()
    return all(any(path in ("", one.path) or one.path.startswith(f"{path}/") for path in paths) for one in splices)


def show_diff(report: Report, made: Mended, options: argparse.Namespace, paths: Sequence[str]) -> int:
    """Write what would change as a unified diff, and give the exit code: whether there is anything."""
    lines = [line for path in sorted(made.texts) for line in _diff(report, path, made.splices[path])]
    write_report("".join(f"{line}\n" for line in lines), reports_wanted(options.format, options.output)[0][1])
    summary = f"{number_of(len(made.fixed), 'finding')} would be mended in {number_of(len(made.texts), 'file')}"
    sys.stderr.write(f"mlguard: {summary}{_more(report, options)}\n")
    _tell_refusals(report, made, options, paths, sys.stderr.write)
    if report.problems:
        return UNTRUSTED
    return FINDINGS if made.texts else CLEAN


def _diff(report: Report, path: str, splices: Sequence[Splice]) -> Iterator[str]:
    shown = terminal_path(shown_path(report, path), 0)
    head = (f"--- a/{shown}\n", f"+++ b/{shown}\n")
    for line in (*head, *difference(report.documents[path].text, splices)):
        bare = line.removesuffix("\n").removesuffix("\r")
        carriage = "\r" if line.removesuffix("\n").endswith("\r") else ""  # at the end of a line it does no harm
        yield terminal_continuation("\t".join(terminal(cell, 0) for cell in bare.split("\t"))) + carriage
        if not line.endswith("\n"):
            yield "\\ No newline at end of file"


def write_fixes(root: Root, report: Report, made: Mended, options: argparse.Namespace, paths: Sequence[str]) -> int:
    """Write the mended files, say what was mended, and give the number of files that could not be written."""
    tell = say if ("text", None) in reports_wanted(options.format, options.output) else sys.stderr.write
    failed: dict[str, MlguardError] = {}
    for path, text in sorted(made.texts.items()):
        try:
            replace_text(root, path, report.documents[path].text, text)
        except MlguardError as error:
            failed[path] = error
    fixed = [one for one in made.fixed if one.repair is not None and not _paths_of(one) & set(failed)]
    for finding in fixed:
        tell(f"fixed  {_where(report, finding)}\n")
    for path, reason in failed.items():
        tell(f"not fixed  {terminal_path(shown_path(report, path))}: {terminal(reason.message)}\n")
    files = set(made.texts) - set(failed)
    tell(f"{number_of(len(fixed), 'finding')} mended in {number_of(len(files), 'file')}{_more(report, options)}\n")
    _tell_refusals(report, made, options, paths, tell)
    tell("\n")
    return len(failed)


def _paths_of(finding: Finding) -> set[str]:
    return {splice.path for splice in finding.repair.splices} if finding.repair is not None else set()


def _where(report: Report, finding: Finding) -> str:
    path = terminal_path(shown_path(report, finding.at.path))
    what = f": {terminal(finding.repair.what)}" if finding.repair is not None else ""
    return f"{path}:{finding.at.line}  {terminal(finding.policy.id)}{what}"


def _more(report: Report, options: argparse.Namespace) -> str:
    """Say how many fixes only `--unsafe-fixes` would include."""
    more = [one for one in report.counted() if one.repair is not None and not one.repair.refused]
    left = [one for one in more if one.repair is not None and not one.repair.safe]
    if options.unsafe_fixes or not left:
        return ""
    return f"; {len(left):,} more with --unsafe-fixes"


def _tell_refusals(
    report: Report,
    made: Mended,
    options: argparse.Namespace,
    paths: Sequence[str],
    tell: Callable[[str], object],
) -> None:
    """Say why the rest is not mended: what was tried and found wanting, and, when asked, what is not even tried."""
    reasons = [(finding, f"tried, but {why}") for finding, why in made.refused]
    if options.verbose:
        for finding in report.counted():
            if finding.repair is not None and finding.repair.refused:
                reasons.append((finding, finding.repair.refused))
            elif _is_chosen(finding, options) and not _is_below(finding, paths):
                reasons.append((finding, "its file is not below the paths that were asked for"))
    for finding, why in reasons:
        place = f"{terminal_path(shown_path(report, finding.at.path))}:{finding.at.line}"
        tell(f"not fixed  {place}  {terminal(finding.policy.id)}: {terminal(why, 0)}\n")
