"""The outcomes of units: those that earlier scans found out and that still hold, all others judged now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mlguard.errors import MlguardError
from mlguard.finding import Finding, Part, Remedy, Repair, Splice, Suppression, Undecided
from mlguard.json_form import Apart, JsonForm
from mlguard.policy.model import Policy, Recipe, Severity
from mlguard.resource import Related
from mlguard.scan.judging import Judged, Outcome
from mlguard.scan.options import Options
from mlguard.scan.remembered import Remembered
from mlguard.scan.units import Unit
from mlguard.scan.workers import Workers
from mlguard.source import Document, Noted, Root, Span
from mlguard.source.watched import digest
from mlguard.suppression import Wish
from mlguard.suppression.comments import Said

_CLASSES = (
    Judged, Finding, Severity, Suppression, Related, Part, Remedy, Recipe, Repair, Splice, Undecided,
    Span, Wish, Said,
)  # fmt: skip


class Outcomes:
    """Gives outcomes, and keeps those that were not known for the next scan."""

    def __init__(self, options: Options, workers: Workers, remembered: Remembered) -> None:
        self._options = options
        self._workers = workers
        self._remembered = remembered
        self._policies = {policy.id: policy for policy in (*options.known, *options.policies)}
        documents = _Documents(options.root)
        apart: Apart = {
            Policy: (self._policy_id, self._policies.__getitem__),
            Document: (documents.name, documents.named),
        }
        self._form = JsonForm(_CLASSES, apart)

    def of(self, units: Sequence[Unit], what: str) -> Iterator[Outcome]:
        """Give the outcome of each unit, in their order; `what` tells the user what is done. They are of one sort."""
        if not units:
            return
        sort = f"outcome of {units[0].what}"
        told = self._remembered.known(sort, [unit.path for unit in units])
        known = {path: outcome for path, written in told.items() if (outcome := self._read(written)) is not None}
        judged = self._workers.run([unit for unit in units if unit.path not in known], what)
        made: dict[str, tuple[object, Noted]] = {}
        for unit in units:
            outcome = known.get(unit.path)
            if outcome is None:
                outcome = next(judged)
                written = self._written(outcome)
                if written is not None:
                    made[unit.path] = (written, outcome.noted)
            yield outcome
        self._remembered.keep(sort, made)

    def _written(self, outcome: Outcome) -> object:
        """Write an outcome as JSON; None for one with a problem, which is looked at anew each time."""
        if outcome.problems or outcome.planned or any(project.problems for project in outcome.projects):
            return None
        dated = any(wish.until for project in outcome.projects for wish in project.wishes)
        day = self._options.today.isoformat() if dated else ""
        try:
            projects = self._form.encoded(outcome.projects)
        except (TypeError, LookupError):
            return None
        return [day, projects, outcome.skipped, sorted(outcome.declared)]

    def _read(self, written: list[Any]) -> Outcome | None:
        """Read an outcome; None for one that was found on another day than today, where that matters."""
        day, projects, skipped, declared = written
        if day and day != self._options.today.isoformat():
            return None
        try:
            return Outcome(self._form.decoded(projects), skipped=skipped, declared=set(declared))
        except (LookupError, MlguardError):
            return None

    def _policy_id(self, policy: Policy) -> str:
        if self._policies.get(policy.id) is not policy:
            raise LookupError(policy.id)
        return policy.id


class _Documents:
    """Names documents by their path and the hash of their text, and reads them again."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._read: dict[str, Document] = {}

    def name(self, document: Document) -> list[object]:
        """Give what tells the document."""
        return [document.path, _hash(document.text), document.hidden]

    def named(self, written: list[Any]) -> Document:
        """Read the document again; LookupError where its text is another one."""
        path, hashed, hidden = written
        if path not in self._read:
            self._read[path] = self._root.read(path)
        document = self._read[path]
        if _hash(document.text) != hashed:
            raise LookupError(path)
        return Document(path, document.text, tuple(map(tuple, hidden))) if hidden else document


def _hash(text: str) -> str:
    return digest(text.encode("utf-8", "surrogatepass"))
