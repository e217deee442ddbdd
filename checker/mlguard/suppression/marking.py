"""Mark the findings that somebody accepts, and report the wishes that are wrong: all over the projects of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from mlguard.finding import Finding, Ignore, Suppression, Undecided
from mlguard.policy.housekeeping import EXPIRED, OF_MANDATORY, UNKNOWN, UNUSED, WITHOUT_REASON
from mlguard.policy.model import Policy
from mlguard.resource import RawProject
from mlguard.source import Span
from mlguard.suppression.comments import Wish, wish_of, wishes_in

Canonical = Callable[[str], str | None]
"""Gives the id of a policy by any of its names, None for what is no name of one."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a run judges: `selected` ids, of which `mandatory` ones cannot be left out by anything in the code.

    Where not `everywhere` is judged, or not for `everything` that the code is deployed to, a wish that hides nothing
    may hide something there.
    """

    canonical: Canonical
    selected: frozenset[str]
    mandatory: frozenset[str] = frozenset()
    everywhere: bool = True
    everything: bool = True


class Suppressions:
    """The wishes of all projects of a run: a module's comment may hide something in one project and not in another."""

    def __init__(self, judged: Judged, today: date) -> None:
        self._judged = judged
        self._today = today
        self._wishes: dict[tuple[Span, tuple[str, ...]], Wish] = {}
        self._by_path: dict[str, list[Wish]] = {}
        self._projects: dict[tuple[Span, tuple[str, ...]], str] = {}

    def mark(self, findings: Iterable[Finding], undecided: Iterable[Undecided], project: RawProject) -> list[Finding]:
        """Mark the findings of a project that a wish speaks of.

        It counts on the line of the finding, the line above it, the header of its block, and the call of its module.
        """
        speaking = self._places(project)
        marked = []
        for finding in findings:
            wishes = speaking(finding.resource, finding.at, [one.span for one in finding.related])
            chosen = next((one for one in wishes if self._covers(one, finding.policy.id)), None)
            if chosen is not None:
                chosen.hides[finding.fingerprint] = None
            suppression = Suppression(chosen.reason, chosen.at) if chosen is not None else None
            marked.append(replace(finding, suppressed=suppression))
        for one in undecided:  # the deployment may make it a finding: its wish is of use
            for wish in speaking(one.resource, one.at, ()):
                self._covers(wish, one.policy.id)
        return marked

    def findings(self) -> list[Finding]:
        """Report what is wrong with wishes, of the policies that are judged."""
        found = [finding for key, wish in self._wishes.items() for finding in self._faults(wish, self._projects[key])]
        counted: dict[tuple[str, str, str], int] = {}
        numbered = []
        for finding in sorted(found, key=Finding.order):
            key = (finding.policy.id, finding.at.path, finding.leaf)
            numbered.append(replace(finding, repeat=counted.setdefault(key, 0)))
            counted[key] += 1
        return [finding for finding in numbered if finding.policy.id in self._judged.selected]

    def ignores(self) -> tuple[Ignore, ...]:
        """Give every wish of the run, sorted by place."""
        made = [
            Ignore(
                ids=wish.ids,
                reason=wish.reason,
                until=wish.until,
                at=wish.at,
                inline=wish.inline,
                hides=tuple(wish.hides),
                faults=tuple(finding.message for finding in self._faults(wish, self._projects[key])),
            )
            for key, wish in self._wishes.items()
        ]
        return tuple(sorted(made, key=lambda one: (one.at, one.ids)))

    def _places(self, project: RawProject) -> Callable[[str, Span, Sequence[Span]], list[Wish]]:
        """Take in a project's wishes; give those that speak of a resource and of places."""
        for path, document in project.documents.items():
            if path not in self._by_path:
                self._by_path[path] = [self._kept(wish, project) for wish in wishes_in(document)]
        waivers = {
            resource.address: [self._kept(wish_of(waiver), project) for waiver in resource.waivers]
            for resource in project.resources
        }
        standing = {resource.source or resource.name_span: resource.address for resource in project.resources}
        headers = {resource.address: resource.name_span for resource in project.resources}
        calls = {resource.address: [one.span for one in resource.related] for resource in project.resources}

        def speaking(resource: str, at: Span, related: Sequence[Span]) -> list[Wish]:
            address = _known(resource, headers) or standing.get(at, "")
            places = [at, *related, *calls.get(address, ())]
            if address in headers:
                places.append(headers[address])
            return [*(one for place in places for one in self._at(place)), *waivers.get(address, ())]

        return speaking

    def _kept(self, wish: Wish, project: RawProject) -> Wish:
        key = (wish.at, wish.ids)
        self._projects.setdefault(key, project.path)
        return self._wishes.setdefault(key, wish)

    def _at(self, place: Span) -> Iterator[Wish]:
        for wish in self._by_path.get(place.path, ()):
            if wish.first_line <= place.line <= wish.last_line:
                yield wish

    def _covers(self, wish: Wish, policy: str) -> bool:
        if policy in self._judged.mandatory or not wish.holds(self._today):
            return False
        for name in wish.ids:
            if self._judged.canonical(name) == policy:
                wish.used.add(name)
                return True
        return False

    def _faults(self, wish: Wish, project: str) -> Iterator[Finding]:
        if not wish.ids:
            what = "this ignore names no policy: write `ignore[policy-id] reason`"
            yield _finding(UNKNOWN, wish, project, "", what)
            return
        if wish.lacks:
            yield _finding(WITHOUT_REASON, wish, project, "", f"this ignore {wish.lacks}")
        elif wish.expired(self._today):
            yield _finding(EXPIRED, wish, project, "", f"this ignore has expired on {wish.until}")
        for name in wish.ids:
            policy = self._judged.canonical(name)
            if policy is None:
                yield _finding(UNKNOWN, wish, project, name, f'this ignore names "{name}", which is no policy')
            elif policy in self._judged.mandatory:
                yield _finding(OF_MANDATORY, wish, project, name, f'"{name}" is mandatory: no ignore leaves it out')
            elif self._unused(wish, name, project) and policy in self._judged.selected:
                yield _finding(UNUSED, wish, project, name, f'this ignore of "{name}" hides no finding: remove it')

    def _unused(self, wish: Wish, name: str, project: str) -> bool:
        if name in wish.used or not wish.holds(self._today) or not self._judged.everything:
            return False
        own = wish.at.path == project or (wish.at.path.rpartition("/")[0] or ".") == project
        return own or self._judged.everywhere


def _known(address: str, headers: Mapping[str, Span]) -> str:
    """Give the resource that an address is of: a job inside of a resource is judged with it."""
    while address not in headers and "/" in address:
        address = address.rpartition("/")[0]
    return address


def _finding(policy: Policy, wish: Wish, project: str, name: str, message: str) -> Finding:
    return Finding(
        policy=policy,
        severity=policy.severity,
        message=message,
        at=wish.at,
        project=project,
        resource="",
        resource_type="",
        leaf=name,
    )
