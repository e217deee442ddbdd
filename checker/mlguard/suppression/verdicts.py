"""Judge the wishes of a run: a comment in a module may hide something in one project and nothing in another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date

from mlguard.finding import Finding, Ignore
from mlguard.policy.housekeeping import EXPIRED, OF_MANDATORY, UNKNOWN, UNUSED, WITHOUT_REASON
from mlguard.policy.model import Policy
from mlguard.record import field, record, replace
from mlguard.source import Span
from mlguard.suppression.comments import Said, Wish

_Key = tuple[Span, tuple[str, ...]]


@record(frozen=False)
class Wishes:
    """The wishes of all projects of a run, each once.

    Where not `everywhere` is judged, or not for `everything` that the code is deployed to, one that hides nothing may
    hide something there.
    """

    today: date
    everywhere: bool = True
    everything: bool = True
    _wishes: dict[_Key, Wish] = field(default_factory=dict)
    _projects: dict[_Key, str] = field(default_factory=dict)

    def add(self, wishes: Iterable[Wish], project: str) -> None:
        """Take in the wishes of a project."""
        for wish in wishes:
            key = (wish.at, wish.ids)
            kept = self._wishes.setdefault(key, wish)
            self._projects.setdefault(key, project)
            kept.hides.update(wish.hides)
            for name, said in wish.said.items():
                kept.said[name] = max(said, kept.said[name])

    def findings(self, judged: Callable[[str], Iterable[Policy]]) -> list[Finding]:
        """Report what is wrong with them, by the policies that are `judged` for the file of each."""
        found = [one for key, wish in self._wishes.items() for one in self._faults(wish, self._projects[key])]
        counted: dict[tuple[str, str, str], int] = {}
        numbered = []
        for finding in sorted(found, key=Finding.order):
            key = (finding.policy.id, finding.at.path, finding.leaf)
            numbered.append(replace(finding, repeat=counted.setdefault(key, 0)))
            counted[key] += 1
        ids = {path: {policy.id for policy in judged(path)} for path in {one.at.path for one in numbered}}
        return [one for one in numbered if one.policy.id in ids[one.at.path]]

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

    def _faults(self, wish: Wish, project: str) -> Iterator[Finding]:
        if not wish.ids:
            what = "this ignore names no policy: write `ignore[policy-id] reason`"
            yield _finding(UNKNOWN, wish, project, "", what)
            return
        if wish.lacks:
            yield _finding(WITHOUT_REASON, wish, project, "", f"this ignore {wish.lacks}")
        elif wish.expired(self.today):
            yield _finding(EXPIRED, wish, project, "", f"this ignore has expired on {wish.until}")
        for name, said in wish.said.items():
            if said is Said.UNKNOWN:
                yield _finding(UNKNOWN, wish, project, name, f'this ignore names "{name}", which is no policy')
            elif said is Said.MANDATORY:
                yield _finding(OF_MANDATORY, wish, project, name, f'"{name}" is mandatory: no ignore leaves it out')
            elif said is Said.UNUSED and self._told_unused(wish, project):
                yield _finding(UNUSED, wish, project, name, f'this ignore of "{name}" hides no finding: remove it')

    def _told_unused(self, wish: Wish, project: str) -> bool:
        if not wish.holds(self.today) or not self.everything:
            return False
        own = wish.at.path == project or (wish.at.path.rpartition("/")[0] or ".") == project
        return own or self.everywhere


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
