"""Scan a change: what is new, worse, existing or fixed, and what reviewers must know before they trust the check.

The state before the change is read through git and judged by the very same rules, so that only the code makes a
difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from mlguard.errors import MlguardError, SourceError
from mlguard.finding import Comparison, Finding, Remark, Report
from mlguard.history import Repository, TreeRoot
from mlguard.record import record, replace
from mlguard.review.baseline import Baseline, against_baseline
from mlguard.review.changes import changes_between
from mlguard.review.gate import Sides, blind_links, remark_on_effect, remarks_on_files, remarks_on_ignores
from mlguard.review.moves import Moves
from mlguard.review.statuses import Earlier, added_money, compared, status_of
from mlguard.scan import Options, scan
from mlguard.source import Root

__all__ = ["Request", "review"]

_LISTED = 3


@record()
class Request:
    """What to compare a scan with, and by whose settings it is made.

    `now` is the state that is scanned, `base` the one before the change, `trusted` the commit that settings are taken
    from, by the names that people read. `before` gives how to scan another state by the same settings, `judged_by` how
    to scan this one by others.
    """

    before: Callable[[TreeRoot], Options]
    judged_by: Callable[[Root], Options]
    now: Root
    repository: Repository | None = None
    base: TreeRoot | None = None
    base_name: str = ""
    trusted: str = ""
    baseline: Baseline | None = None
    new_ignores: bool = True


def review(options: Options, request: Request) -> Report:
    """Scan, compare with what the request names, and remark on what bears on the check itself."""
    report = scan(options)
    against = [request.base_name] if request.base is not None else []
    if request.baseline is not None:
        scope = options.paths if options.only is None else ()
        report = against_baseline(report, request.baseline, options.terms, scope)
        against.append(f"the baseline {request.baseline.document.path}")
        added = added_money(report.findings, lambda _finding: [])
        report = replace(report, comparison=Comparison(against[-1], added=added))
    if request.base is None or request.repository is None:
        return report
    before = _scanned_before(request.before(request.base))
    moves = Moves(report, options.root, before, request.base)
    report, remarks = _suppressed_anew(report, before, moves.earlier, request)
    report = compared(report, before, moves.earlier, " and ".join(against), _seen(report, options.root))
    head = TreeRoot(request.repository, request.repository.commit("HEAD"))
    sides = Sides(request.base, options.root, changes_between(request.base, head), request.trusted)
    known = options.configurations.all() if options.configurations is not None else []
    remarks = [*remarks, *remarks_on_files(sides, options.terms("").configuration, known, options.excluded)]
    remarks = [*_effect(report, request, remarks), *remarks]
    return replace(
        report,
        remarks=tuple(remarks),
        notes=(*report.notes, *_notes(report, before, request, head)),
        problems=(*report.problems, *_blind(sides)),
    )


def _scanned_before(options: Options) -> Report:
    """Scan the state before the change; what was not there yet is no problem."""
    there = tuple(path for path in options.paths if options.root.exists(path))
    plans = tuple(path for path in options.plans if options.root.is_file(path))
    return scan(replace(options, paths=there, plans=plans))


def _effect(report: Report, request: Request, remarks: Sequence[Remark]) -> Iterator[Remark]:
    """Remark on what changed settings no longer find, told by a scan with the other ones."""
    changed = next((one.path for one in remarks if one.kind in ("configuration", "parameter", "policies")), "")
    if not changed or request.base is None:
        return
    settings = request.now if request.trusted else request.base
    try:
        other = scan(request.judged_by(settings))
    except MlguardError:
        return  # a configuration that is refused has no effect: that is a remark of its own
    stricter, weaker = (report, other) if request.trusted else (other, report)
    yield from remark_on_effect(stricter, weaker, changed, used=not request.trusted)


def _blind(sides: Sides) -> Iterator[SourceError]:
    message = "a symbolic link that the change adds: it is not followed, and what is behind it is not checked"
    yield from (SourceError(message, path) for path in blind_links(sides))


def _suppressed_anew(report: Report, before: Report, earlier: Earlier, request: Request) -> tuple[Report, list[Remark]]:
    """Find what is hidden now and was not before; where new ignores do not count, show it again."""
    new = [one for one in report.findings if one.suppressed is not None and not _was_hidden(one, earlier(one))]
    remarks = list(remarks_on_ignores(report, before, new, counted=not request.new_ignores))
    if not request.new_ignores:
        shown = {id(one) for one in new}
        findings = (replace(one, suppressed=None) if id(one) in shown else one for one in report.findings)
        report = replace(report, findings=tuple(findings))
    return report, remarks


def _was_hidden(finding: Finding, before: Sequence[Finding]) -> bool:
    hidden = bool(before) and all(one.suppressed is not None for one in before)
    return hidden and status_of(finding, before)[0] == "existing"


def _seen(report: Report, root: Root) -> Callable[[str], bool]:
    """Tell of a file whether its findings are known: it was read, or is no more."""
    failed = {problem.path for problem in report.problems}
    return lambda path: path not in failed and (root.is_file(path) or not root.exists(path))


def _notes(report: Report, before: Report, request: Request, head: TreeRoot) -> Iterator[str]:
    if before.problems:
        more = f" and {len(before.problems) - 1} more" if len(before.problems) > 1 else ""
        what = f"{request.base_name} cannot be read in full ({before.problems[0]}{more})"
        yield f"{what}: what is found there now counts as new"
    paths = sorted({one.at.path for one in report.findings if one.status == "new"})
    unknown = [path for path in paths if not head.exists(path) and request.base and not request.base.exists(path)]
    if unknown:
        listed = ", ".join(unknown[:_LISTED]) + (
            f" and {len(unknown) - _LISTED} more" if len(unknown) > _LISTED else ""
        )
        yield f"git does not keep {listed}: all that is found there counts as new; a baseline can tell it from the old"
