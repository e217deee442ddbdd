"""Findings that their authors accept: inline comments and metadata, each with a reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date

from mlguard.finding import Finding, Suppression
from mlguard.record import field, record, replace
from mlguard.resource import RawProject, Waiver
from mlguard.source import Document, Span

_COMMENT = re.compile(r"(?:#|//)[ \t]*mlguard:[ \t]*ignore\[(?P<ids>[^\]\n]{1,500})\][ \t]*(?P<reason>[^\n]*)")
_UNTIL = re.compile(r"(?:^|\s)-- until (?P<until>\d{4}-\d{2}-\d{2})\s*$")


@record(frozen=False)
class Ignore:
    """One wish to be left alone: for which policies, where, why and until when."""

    ids: tuple[str, ...]
    reason: str
    until: str
    at: Span
    first_line: int
    last_line: int
    used: set[str] = field(default_factory=set)

    @property
    def faults(self) -> list[str]:
        """What is wrong with the wish itself, in words."""
        found = []
        if not self.reason:
            found.append("has no reason: write one after the bracket")
        if self.until:
            try:
                expired = date.fromisoformat(self.until) < date.today()  # noqa: DTZ011  (a day, as its author means it)
            except ValueError:
                found.append(f'has no such day "{self.until}": write YYYY-MM-DD')
            else:
                if expired:
                    found.append(f"has expired on {self.until}")
        return found


def ignores_in(document: Document) -> list[Ignore]:
    """Find the comments `# mlguard: ignore[id, id] reason -- until YYYY-MM-DD` of a text."""
    if "mlguard" not in document.text:
        return []
    found = []
    for match in _COMMENT.finditer(document.text):
        at = document.span(match.start(), match.end())
        reason = match["reason"].strip()
        until = _UNTIL.search(reason)
        if until is not None:
            reason = reason[: until.start()].strip()
        ids = tuple(name.strip() for name in match["ids"].split(",") if name.strip())
        alone = not document.line(at.line)[: at.column - 1].strip()
        last = _next_code(document, at.line) if alone else at.line
        found.append(Ignore(ids, reason, until["until"] if until else "", at, at.line, last))
    return found


def _next_code(document: Document, line: int) -> int:
    """Give the line that a comment on a line of its own speaks of: the next one that is not a comment."""
    for number in range(line + 1, line + 20):
        if not document.line(number).lstrip().startswith(("#", "//")):
            return number
    return line + 1


def suppress(
    findings: Iterable[Finding],
    project: RawProject,
    canonical: Callable[[str], str | None],
    selected: frozenset[str],
) -> tuple[list[Finding], list[str]]:
    """Mark the findings that an ignore speaks of; give what is wrong with ignores as notes.

    An ignore counts on the line of the finding, the line above it, or the header of its block. `canonical` gives the
    id of a policy by any of its names, None for an unknown one; `selected` are the ids that were judged.
    """
    ignores = {path: ignores_in(document) for path, document in project.documents.items()}
    made = {waiver: _from_waiver(waiver) for resource in project.resources for waiver in resource.waivers}
    waivers = {resource.address: [made[one] for one in resource.waivers] for resource in project.resources}
    standing = {resource.source or resource.name_span: resource.address for resource in project.resources}
    headers = {resource.address: resource.name_span for resource in project.resources}
    calls = {resource.address: [one.span for one in resource.related] for resource in project.resources}
    marked = []
    for finding in findings:
        address = _known(finding.resource, headers) or standing.get(finding.at, "")
        places = [finding.at, *(one.span for one in finding.related), *calls.get(address, ())]
        if address in headers:
            places.append(headers[address])
        candidates = [one for place in places for one in _speaking(ignores, place)]
        candidates.extend(waivers.get(address, ()))
        chosen = next((one for one in candidates if _covers(one, finding, canonical)), None)
        suppression = Suppression(chosen.reason, chosen.at) if chosen is not None else None
        marked.append(replace(finding, suppressed=suppression))
    everything = [*(one for listed in ignores.values() for one in listed), *made.values()]
    return marked, [note for one in everything for note in _notes(one, canonical, selected)]


def _known(address: str, headers: Mapping[str, Span]) -> str:
    """Give the resource that an address is of: a job inside of a resource is judged with it."""
    while address not in headers and "/" in address:
        address = address.rpartition("/")[0]
    return address


def _from_waiver(waiver: Waiver) -> Ignore:
    return Ignore(waiver.policies, waiver.reason, waiver.until, waiver.span, 0, 0)


def _speaking(ignores: Mapping[str, list[Ignore]], place: Span) -> list[Ignore]:
    listed = ignores.get(place.path, [])
    return [one for one in listed if one.first_line <= place.line <= one.last_line]


def _covers(ignore: Ignore, finding: Finding, canonical: Callable[[str], str | None]) -> bool:
    if ignore.faults:
        return False
    for name in ignore.ids:
        if canonical(name) == finding.policy.id:
            ignore.used.add(name)
            return True
    return False


def _notes(ignore: Ignore, canonical: Callable[[str], str | None], selected: frozenset[str]) -> list[str]:
    where = f"{ignore.at.path}:{ignore.at.line}"
    notes = [f"{where}: this ignore {fault}" for fault in ignore.faults]
    for name in ignore.ids:
        if canonical(name) is None:
            notes.append(f'{where}: this ignore names "{name}", which is no policy')
        elif name not in ignore.used and not ignore.faults and canonical(name) in selected:
            notes.append(f'{where}: this ignore of "{name}" matches no finding: remove it')
    return notes
