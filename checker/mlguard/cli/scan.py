"""`mlguard scan` and `mlguard hook`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlguard.cli.change import Change, add_change, change_of
from mlguard.cli.inputs import (
    add_context,
    display_prefix,
    paths_given,
    relative,
)
from mlguard.cli.judging import add_judging, scan_options
from mlguard.cli.outcome import CLEAN, FINDINGS, NOTHING, UNTRUSTED, say, write_report
from mlguard.cli.progress import Progress
from mlguard.cli.reports import add_reports, reports_wanted
from mlguard.errors import UsageError
from mlguard.finding import Finding, Report, number_of
from mlguard.policy.model import Severity
from mlguard.record import replace
from mlguard.render import renderer
from mlguard.render.money import dearest_first, monthly_total
from mlguard.render.totals import in_order, worst_first
from mlguard.scan import Options
from mlguard.source import Overlay, Root
from mlguard.source.root import root_of

_SEVERITIES = ("info", "low", "medium", "high", "critical")
_SORTS = {"place": in_order, "severity": worst_first, "exposure": dearest_first}


def add_scan(scan: argparse.ArgumentParser) -> None:
    """Declare the options of `mlguard scan`."""
    add = scan.add_argument
    add("paths", nargs="*", metavar="PATH", help="files or folders; this folder by default")
    add_reports(scan)
    add("--min-severity", choices=_SEVERITIES, default="info", help="report only findings from this severity")
    add("--fail-on", choices=(*_SEVERITIES, "never"), help="the severity from which findings fail the run")
    add("--fail-on-exposure", type=float, metavar="USD", help="fail the run when at least this is at stake for a month")
    add("--sort", choices=("place", "severity", "exposure"), default="place", help="the order of findings")
    add("--unknown", choices=("pass", "fail"), default="pass", help="whether undecided checks fail the run")
    add_context(scan)
    add_judging(scan)
    add_change(scan)
    add("--fix", action="store_true", help="mend what can be mended safely, then report what remains")
    add("--diff", action="store_true", help="show what --fix would change, and fail when that is anything")
    add("--unsafe-fixes", action="store_true", help="mend what deletes, replaces or stops something as well")
    add("--verbose", action="store_true", help="list every undecided check, and what is not mended and why")
    add("--no-progress", action="store_true", help="show no progress bar")
    scan.set_defaults(run=scan_command)


def scan_command(options: argparse.Namespace) -> int:
    """`mlguard scan`."""
    plans = paths_given(options.plan)
    paths = paths_given(options.paths) or ([] if plans else [Path()])
    root = Root(root_of(paths or plans))
    reports_wanted(options.format, options.output)  # what is wrong with them is told before anything is read
    below = tuple(relative(root, path) for path in paths)
    with change_of(options, root) as change:
        report = _report(options, change, below, None)
        if options.fix or options.diff:
            return _mend(options, change, below, report)
    _write(report, options)
    return _exit_code(report, options)


def _write(report: Report, options: argparse.Namespace) -> None:
    """Write the report in each format that is wanted, to where it is wanted."""
    for form, output in reports_wanted(options.format, options.output):
        write_report(_rendered(form, report, options, shown=output is None), output)


def _mend(options: argparse.Namespace, change: Change, paths: tuple[str, ...], report: Report) -> int:
    """Show what would be mended, or mend it and report what remains."""
    from mlguard.cli import fixing  # noqa: PLC0415  (few runs mend anything)

    def again(texts: Mapping[str, str], only: frozenset[str]) -> Report:
        return _report(options, Change(Overlay(change.root.folder, texts), change.settings), paths, only)

    if options.fix and options.diff:
        raise UsageError("--diff shows what --fix would do: give one of them")
    if options.plan:
        raise UsageError("a plan stays as it is when its code is mended: leave --plan out, and plan again afterwards")
    made = fixing.mended(report, options, paths, again)
    if options.diff:
        return fixing.show_diff(report, made, options, paths)
    failed = fixing.write_fixes(change.root, report, made, options, paths)
    left = _report(options, change, paths, None) if made.texts else report
    _write(left, options)
    return UNTRUSTED if failed else _exit_code(left, options)


def hook(names: Sequence[str]) -> int:
    """`mlguard hook FILE…`: check the projects of the changed files; quiet when none of them is infrastructure code."""
    root = Root(root_of([Path()]))
    changed = frozenset(relative(root, Path(name)) for name in names)
    parser = argparse.ArgumentParser()
    add_scan(parser)
    options = parser.parse_args(["--no-progress"])
    report = None
    if changed:
        with change_of(options, root) as change:
            report = _report(options, change, ("",), changed)
    if report is None or not (report.counts.projects or report.problems):
        return CLEAN
    code = _exit_code(report, options)
    if code not in (CLEAN, NOTHING):
        say(_rendered("text", report, options, shown=True))
    return CLEAN if code == NOTHING else code


def _report(options: argparse.Namespace, change: Change, paths: tuple[str, ...], only: frozenset[str] | None) -> Report:
    progress = Progress(enabled=not options.no_progress and sys.stderr.isatty())

    def options_for(root: Root, settings: Root) -> Options:
        return replace(scan_options(options, root, settings), paths=paths, only=only, tick=progress.tick)

    try:
        report = change.report(options, options_for)
        return _from_severity(replace(report, display_prefix=display_prefix(change.root)), options.min_severity)
    finally:
        progress.close()


def _from_severity(report: Report, level: str) -> Report:
    """Leave out the findings below a severity, and say how many."""
    kept = tuple(one for one in report.findings if one.severity >= Severity.named(level))
    left_out = len(report.findings) - len(kept)
    if not left_out:
        return report
    note = f"{number_of(left_out, 'finding')} below {level} left out, as --min-severity asks"
    return replace(report, findings=kept, notes=(*report.notes, note))


def _rendered(form: str, report: Report, options: argparse.Namespace, *, shown: bool) -> str:
    """Render the report in a format; colours are for what is shown, not for files."""
    render = renderer(form)
    if form != "text":
        return render(report)
    color = shown and "NO_COLOR" not in os.environ
    color = color and (sys.stdout.isatty() or bool(os.environ.get("FORCE_COLOR")))
    import shutil  # noqa: PLC0415  (it brings every way to pack files along)

    width = shutil.get_terminal_size((100, 24)).columns if shown else 100
    return render(report, color=color, width=width, verbose=options.verbose, sort=_SORTS[options.sort])


def _fails(finding: Finding, fail_on: str | None) -> bool:
    """Tell whether a finding fails the run: from the severity that the command line or its configuration says."""
    if fail_on == "never":
        return False
    return finding.severity >= (Severity.named(fail_on) if fail_on else finding.fail_on)


def _exit_code(report: Report, options: argparse.Namespace) -> int:
    if report.problems:
        return UNTRUSTED
    if not report.counts.projects:
        return NOTHING
    counted = [one for one in report.failing() if _fails(one, options.fail_on)]
    added = report.comparison.added if report.comparison is not None else monthly_total(report)
    too_dear = options.fail_on_exposure is not None and added.low >= options.fail_on_exposure
    if counted or too_dear or (options.unknown == "fail" and report.undecided):
        return FINDINGS
    return CLEAN
