"""Apply fixes to texts in memory, and keep only what a new scan finds better and nothing worse."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

from mlguard.errors import MlguardError
from mlguard.finding import Finding, Report, Splice
from mlguard.record import field, record
from mlguard.repair.hcl import Hcl
from mlguard.repair.markup import Markup
from mlguard.repair.splices import composed, spliced
from mlguard.repair.tree import RefusedError, Spot
from mlguard.source import Document

Rescan = Callable[[Mapping[str, str]], Report]
"""Scans again, with other texts instead of those of some files."""
Chosen = Callable[[Finding], bool]
_MAX_SCANS = 100
_Key = tuple[str, str, str, str]


@record()
class _Fault:
    """What is wrong with texts, and the findings whose fixes did it; none where that is not clear."""

    why: str
    culprits: Sequence[Finding] = ()


@record(eq=False, frozen=False)
class Mended:
    """What was mended: the new text of each file, the findings that are gone, and why others are not.

    `splices` are what makes the new text of each file of the one that was read first.
    """

    texts: dict[str, str] = field(default_factory=dict)
    splices: dict[str, list[Splice]] = field(default_factory=dict)
    fixed: list[Finding] = field(default_factory=list)
    refused: list[tuple[Finding, str]] = field(default_factory=list)


def mend(report: Report, rescan: Rescan, chosen: Chosen) -> Mended:
    """Mend all that is chosen, in rounds: what overlaps, or is written into something new, waits for the next one.

    What a new scan does not find gone, or what brings a new finding or problem, is given up.
    """
    mended = Mended()
    given_up: set[str] = set()
    size: int | None = None
    wanted = _mendable(report, chosen, given_up)
    for _ in range(_MAX_SCANS):
        batch = _apart(wanted)[:size]
        if not batch:
            return mended
        splices = _by_path(batch)
        changed = {path: spliced(report.documents[path].text, inner) for path, inner in splices.items()}
        fault = _shape_fault(report.documents, changed)
        again = rescan({**mended.texts, **changed}) if fault is None else report
        fault = fault or _fault(report, again, batch)
        if fault is None:
            for path, inner in splices.items():
                before = mended.splices.get(path, ())
                mended.splices[path] = composed(before, inner, report.documents[path].text)
            report, size = again, None
            mended.texts |= changed
            mended.fixed += batch
        elif not fault.culprits and len(batch) > 1:
            size = len(batch) // 2
        else:
            culprits = fault.culprits or batch
            given_up |= {one.fingerprint for one in culprits}
            mended.refused += [(one, fault.why) for one in culprits]
            size = None
        wanted = _mendable(report, chosen, given_up)
    mended.refused += [
        (one, f"{_MAX_SCANS} scans were not enough for all: mend the rest in another run") for one in wanted
    ]
    return mended


def _mendable(report: Report, chosen: Chosen, given_up: Collection[str]) -> list[Finding]:
    return [one for one in report.counted() if _repaired(one) and chosen(one) and one.fingerprint not in given_up]


def _repaired(finding: Finding) -> tuple[Splice, ...]:
    return finding.repair.splices if finding.repair is not None and not finding.repair.refused else ()


def _apart(findings: Sequence[Finding]) -> list[Finding]:
    """Choose the findings whose splices do not touch; the first of those that do."""
    taken: dict[str, list[tuple[int, int]]] = {}
    chosen = []
    for finding in findings:
        splices = _repaired(finding)
        if not any(_touches(one, taken.get(one.path, ())) for one in splices):
            for one in splices:
                insort(taken.setdefault(one.path, []), (one.start, one.end))
            chosen.append(finding)
    return chosen


def _touches(splice: Splice, taken: Sequence[tuple[int, int]]) -> bool:
    """Tell whether a splice touches one of those that are taken, which are in order and do not touch each other."""
    index = bisect_right(taken, (splice.start, splice.end))
    before, after = taken[max(index - 1, 0) : index], taken[index : index + 1]
    return any(splice.start <= end for _, end in before) or any(start <= splice.end for start, _ in after)


def _by_path(findings: Sequence[Finding]) -> dict[str, list[Splice]]:
    """Give the splices of some findings for each file, in order."""
    found: dict[str, list[Splice]] = {}
    for splice in sorted((one for finding in findings for one in _repaired(finding)), key=lambda one: one.start):
        found.setdefault(splice.path, []).append(splice)
    return found


def _fault(before: Report, after: Report, mended: Sequence[Finding]) -> _Fault | None:
    """Say what a new scan finds wrong, None when it finds only less."""
    allowed = _counted(before.counted())
    allowed.subtract(_counted(mended))
    for finding in after.counted():
        for key in _keys(finding):
            allowed[key] -= 1
            if allowed[key] < 0:
                where = f"({finding.at.path}:{finding.at.line})"
                still = [one for one in mended if key in _keys(one)]
                if still:
                    return _Fault(f"the finding is not gone {where}", still)
                beside = [one for one in mended if one.resource and one.resource == finding.resource]
                return _Fault(f"it brings a finding of {finding.policy.id} {where}", beside)
    return _problem(before, after) or _undecided(before, after, mended)


def _problem(before: Report, after: Report) -> _Fault | None:
    problems = Counter((one.path, one.message) for one in before.problems)
    problems.subtract(Counter((one.path, one.message) for one in after.problems))
    if any(count < 0 for count in problems.values()):
        path, message = next(key for key, count in problems.items() if count < 0)
        return _Fault(f"it brings a problem: {path}: {message}")
    return None


def _undecided(before: Report, after: Report, mended: Sequence[Finding]) -> _Fault | None:
    open_before = {(one.policy.id, one.project, one.resource) for one in before.undecided}
    for one in after.undecided:
        check = (one.policy.id, one.project, one.resource)
        culprits = [found for found in mended if (found.policy.id, found.project, found.resource) == check]
        if check not in open_before and culprits:
            return _Fault(f"whether the finding is gone cannot be decided: {one.because}", culprits)
    return None


def _counted(findings: Sequence[Finding]) -> Counter[_Key]:
    return Counter(key for finding in findings for key in _keys(finding))


def _keys(finding: Finding) -> list[_Key]:
    names = (finding.resource, *finding.also)
    return [(finding.policy.id, finding.project, finding.at.path, name) for name in names]


def _shape_fault(documents: Mapping[str, Document], changed: Mapping[str, str]) -> _Fault | None:
    """Say where a new text holds less than the old one did, None where all is there and only more."""
    for path, text in changed.items():
        try:
            before, after = _tree(documents[path]), _tree(Document(path, text))
        except (RefusedError, MlguardError) as error:
            return _Fault(f"{path} cannot be read any more: {error}")
        if not _kept(before, after):
            return _Fault(f"{path} would lose what stands elsewhere")
    return None


def _tree(document: Document) -> Spot:
    if not document.path.endswith((".tf", ".tofu")):
        return Spot("list", 0, 0, items=Markup(document).roots)
    hcl = Hcl(document)
    root = Spot("mapping", 0, 0)
    for block in hcl.scanned():
        name = " ".join((block.type, *block.labels))
        root.entries.setdefault(name, Spot("list", 0, 0)).items.append(hcl.block_at(block.start)[1])
    return root


def _kept(before: Spot, after: Spot) -> bool:
    if before.kind == "scalar" and (before.content is None or after.kind == "scalar"):
        return True
    if before.kind != after.kind or len(before.items) > len(after.items):
        return False
    return all(
        name in after.entries and _kept(spot, after.entries[name]) for name, spot in before.entries.items()
    ) and all(_kept(one, other) for one, other in zip(before.items, after.items, strict=False))
