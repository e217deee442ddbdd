"""Recognise what only moved: a finding of before in a file that is no more, and of now in one that was not there."""

from __future__ import annotations

from collections import Counter

from mlguard.finding import Finding, Report
from mlguard.record import field, record
from mlguard.review.statuses import index_of
from mlguard.source import Document, Root

_ALIKE = 0.5
"""The share of lines that two files have in common, as git's own detection of renames wants it."""


@record(frozen=False)
class Moves:
    """The findings of before, by fingerprint or, where a file or folder was moved, by policy and resource."""

    report: Report
    root: Root
    before: Report
    before_root: Root
    _by_name: dict[str, Finding] = field(default_factory=dict)
    _by_mistake: dict[tuple[object, ...], list[Finding]] = field(default_factory=dict)
    _alike: dict[tuple[str, str], bool] = field(default_factory=dict)
    _taken: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Sort the findings of before."""
        self._by_name = index_of(self.before.findings)
        present = {name for finding in self.report.findings for name in finding.fingerprints}
        for one in self.before.findings:
            if present.isdisjoint(one.fingerprints):
                self._by_mistake.setdefault(_mistake(one), []).append(one)

    def earlier(self, finding: Finding) -> list[Finding]:
        """Give the findings of before that tell of the same mistakes."""
        named = [self._by_name[name] for name in finding.fingerprints if name in self._by_name]
        if named:
            return list({id(one): one for one in named}.values())
        for one in self._by_mistake.get(_mistake(finding), ()):
            taker = self._taken.setdefault(id(one), finding.fingerprint)
            if taker == finding.fingerprint and self._moved(one, finding):
                return [one]
            if taker == finding.fingerprint:
                del self._taken[id(one)]
        return []

    def _moved(self, one: Finding, finding: Finding) -> bool:
        """Tell whether the places of two findings are the same, but for what was moved."""
        then, now = (one.project, finding.project) if one.at.path == finding.at.path else (one.at.path, finding.at.path)
        if not _is_there(self.root, then) and not _is_there(self.before_root, now):
            return one.at.path == finding.at.path or self._like(then, now)
        return False

    def _like(self, then: str, now: str) -> bool:
        key = (then, now)
        if key not in self._alike:
            self._alike[key] = alike(self.before.documents.get(then), self.report.documents.get(now))
        return self._alike[key]


def _is_there(root: Root, path: str) -> bool:
    """Tell whether a file stands there, or a folder that holds one: git keeps no empty folders, disks do."""
    if not root.is_folder(path):
        return root.exists(path)
    return any(entry.kind != "folder" for entry in root.entries(path))


def _mistake(finding: Finding) -> tuple[object, ...]:
    return (finding.policy.id, finding.resource, finding.leaf, finding.repeat)


def alike(one: Document | None, other: Document | None) -> bool:
    """Tell whether two files have most of their lines in common."""
    if one is None or other is None:
        return False
    then, now = _lines(one), _lines(other)
    common = sum((then & now).values())
    return common >= _ALIKE * max(sum(then.values()), sum(now.values()), 1)


def _lines(document: Document) -> Counter[str]:
    return Counter(line for line in map(str.strip, document.text.split("\n")) if line)
