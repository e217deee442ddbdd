"""Mark the findings of a project that somebody accepts, by comments in its files and metadata of its resources."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date

from mlguard.finding import Finding, Suppression, Undecided
from mlguard.record import record, replace
from mlguard.resource import RawProject
from mlguard.source import Span
from mlguard.suppression.comments import Said, Wish, wish_of, wishes_in

Canonical = Callable[[str], str | None]
"""Gives the id of a policy by any of its names, None for what is no name of one."""


@record()
class Rules:
    """How wishes count: `selected` ids are judged, `mandatory` ones cannot be left out by anything in the code.

    `canonical` gives the id of a policy by any of its names. Without `heed`, no wish hides anything.
    """

    canonical: Canonical
    selected: frozenset[str]
    mandatory: frozenset[str]
    today: date
    heed: bool = True


def mark(
    findings: Iterable[Finding], undecided: Iterable[Undecided], project: RawProject, rules: Rules
) -> tuple[list[Finding], list[Wish]]:
    """Mark the findings that a wish speaks of; give all wishes of the project with what came of them.

    A wish counts on the line of the finding, the line above it, the header of its block, and the call of its module.
    """
    wishes = _Wishes(project, rules)
    marked = [replace(finding, suppressed=wishes.suppression(finding)) for finding in findings]
    for one in undecided:  # the deployment may make it a finding: its wish is of use
        for wish in wishes.speaking(one.resource, one.at, ()):
            wishes.covers(wish, one.policy.id)
    return marked, wishes.listed


class _Wishes:
    """The wishes of one project, found by what they speak of."""

    def __init__(self, project: RawProject, rules: Rules) -> None:
        self._rules = rules
        self._by_path = {path: list(wishes_in(document)) for path, document in project.documents.items()}
        made = {waiver: wish_of(waiver) for resource in project.resources for waiver in resource.waivers}
        self._waivers = {one.address: [made[waiver] for waiver in one.waivers] for one in project.resources}
        self._standing = {one.source or one.name_span: one.address for one in project.resources}
        self._headers = {one.address: one.name_span for one in project.resources}
        self._calls = {one.address: [related.span for related in one.related] for one in project.resources}
        self.listed = [*(wish for wishes in self._by_path.values() for wish in wishes), *made.values()]
        for wish in self.listed:
            wish.said = {name: self._at_first(name) for name in wish.ids}

    def suppression(self, finding: Finding) -> Suppression | None:
        """Give why a finding is accepted, None where it is not."""
        wishes = self.speaking(finding.resource, finding.at, [one.span for one in finding.related])
        chosen = next((one for one in wishes if self.covers(one, finding.policy.id)), None)
        if chosen is None:
            return None
        chosen.hides[finding.fingerprint] = None
        return Suppression(chosen.reason, chosen.at)

    def speaking(self, resource: str, at: Span, related: Sequence[Span]) -> list[Wish]:
        """Give the wishes that speak of a resource, or of a place in it."""
        address = _known(resource, self._headers) or self._standing.get(at, "")
        places = [at, *related, *self._calls.get(address, ())]
        if address in self._headers:
            places.append(self._headers[address])
        return [*(one for place in places for one in self._at(place)), *self._waivers.get(address, ())]

    def covers(self, wish: Wish, policy: str) -> bool:
        """Tell whether a wish leaves a policy out, and remember that it did."""
        rules = self._rules
        if not rules.heed or policy in rules.mandatory or not wish.holds(rules.today):
            return False
        for name in wish.ids:
            if rules.canonical(name) == policy:
                wish.said[name] = Said.USED
                return True
        return False

    def _at(self, place: Span) -> Iterator[Wish]:
        for wish in self._by_path.get(place.path, ()):
            if wish.first_line <= place.line <= wish.last_line:
                yield wish

    def _at_first(self, name: str) -> Said:
        policy = self._rules.canonical(name)
        if policy is None:
            return Said.UNKNOWN
        if policy in self._rules.mandatory:
            return Said.MANDATORY
        return Said.UNUSED if self._rules.heed and policy in self._rules.selected else Said.NOT_JUDGED


def _known(address: str, headers: Mapping[str, Span]) -> str:
    """Give the resource that an address is of: a job inside of a resource is judged with it."""
    while address not in headers and "/" in address:
        address = address.rpartition("/")[0]
    return address
