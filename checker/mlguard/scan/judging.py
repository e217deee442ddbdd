"""Read a unit and judge its projects: what is kept of them is small, and can be sent from one process to another."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from mlguard.cache import Recall, anew
from mlguard.errors import MlguardError, ParseError, fault
from mlguard.finding import Finding, Undecided
from mlguard.policy.model import Policy
from mlguard.record import field, record, replace
from mlguard.resource import Project, RawProject, Resource
from mlguard.scan.check import check_project
from mlguard.scan.discover import Found
from mlguard.scan.options import Options, Terms
from mlguard.scan.reading import Reading
from mlguard.scan.relevance import OF_THE_ACCOUNT, judged_types
from mlguard.scan.units import Unit
from mlguard.source import Document, Noted, Span
from mlguard.suppression import Rules, Wish, mark
from mlguard.vocabulary.derived import Settings
from mlguard.vocabulary.load import bundled_vocabulary
from mlguard.vocabulary.model import Vocabulary
from mlguard.vocabulary.normalise import normalise


@record(frozen=False)
class Judged:
    """What is known of one project when it has been judged; of one that nobody asked for, only its files.

    `accounts` are the kind and the place of its resources that serve a whole account.
    """

    path: str
    environment: str
    files: tuple[str, ...]
    meant: bool
    resources: frozenset[str] = frozenset()
    findings: list[Finding] = field(default_factory=list)
    undecided: list[Undecided] = field(default_factory=list)
    problems: list[MlguardError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    checks: int = 0
    documents: Mapping[str, Document] = field(default_factory=dict)
    accounts: list[tuple[str, Span]] = field(default_factory=list)
    wishes: list[Wish] = field(default_factory=list)


@record(frozen=False)
class Outcome:
    """What a unit gave: its projects, what was wrong with it before there were any, and what was looked at for it."""

    projects: list[Judged] = field(default_factory=list)
    problems: list[MlguardError] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    planned: set[str] = field(default_factory=set)
    declared: set[str] = field(default_factory=set)
    noted: Noted = field(default_factory=dict)


class Judge:
    """Reads and judges units, one after the other; keeps no tree of a project that has been judged.

    `of_accounts` are the units that hold resources which serve whole accounts.
    """

    def __init__(self, options: Options, found: Found, of_accounts: Sequence[Unit] = (), recall: Recall = anew) -> None:
        self._options = options
        self._vocabulary = bundled_vocabulary()
        about = judged_types(options.policies, self._vocabulary)
        self.reading = Reading(options, found, self._vocabulary, about, recall)
        self._of_accounts = of_accounts

    def outcome(self, unit: Unit) -> Outcome:
        """Read and judge a unit; a fault of mlguard's own is a problem of this unit, and hides no other."""
        reading, declared = self.reading, self._options.given.declared
        reading.problems, reading.skipped, reading.planned = [], {}, set()
        declared.clear()
        projects, noted = self._options.root.watching(lambda: self._projects(unit))
        return Outcome(projects, reading.problems, reading.skipped, reading.planned, set(declared), noted)

    def _projects(self, unit: Unit) -> list[Judged]:
        projects: list[Judged] = []
        try:
            projects.extend(self._judged(raw) for raw in self.reading.read(unit))
        except MlguardError:
            raise
        except Exception as error:
            if os.environ.get("MLGUARD_DEBUG"):
                raise
            self.reading.problems.append(ParseError(fault(error), unit.path or "."))
        return projects

    def _judged(self, raw: RawProject) -> Judged:
        options = self._options
        judged = Judged(raw.path, raw.environment, tuple(raw.files), self.reading.affected.project(raw))
        if not judged.meant:
            return judged
        terms = options.terms(raw.path)
        project = named_project(raw, options, terms, self._vocabulary)
        judged.resources = frozenset(resource.address for resource in raw.resources)
        judged.accounts = [(one.kind, one.raw.name_span) for one in project.resources if one.kind in OF_THE_ACCOUNT]
        judged.problems = list(raw.problems)
        judged.notes = list(raw.notes)
        try:
            self._check(project, terms, judged)
        except RecursionError:
            judged.problems.append(ParseError("nested too deeply to be checked", raw.path))
        judged.documents = raw.documents if options.validate is not None else _needed(judged, raw.documents)
        return judged

    def _check(self, project: Project, terms: Terms, judged: Judged) -> None:
        configuration = terms.configuration
        elsewhere = self._accounts if configuration.budgets == "repository" else ()
        checked = check_project(project, terms.policies, configuration.parameters.value, elsewhere)
        rules = Rules(
            canonical=_canonical([*terms.known, *terms.policies]),
            selected=frozenset(policy.id for policy in terms.policies),
            mandatory=terms.mandatory,
            today=self._options.today,
            heed=self._options.heed_ignores,
        )
        marked, judged.wishes = mark(checked.findings, checked.undecided, project.raw, rules)
        judged.findings = [replace(finding, fail_on=configuration.fail_on) for finding in marked]
        if any(finding.remedy is not None and finding.suppressed is None for finding in marked):
            from mlguard.repair.planning import planned  # noqa: PLC0415  (a clean project needs none)

            judged.findings = planned(judged.findings, project.raw.documents)
        judged.undecided = checked.undecided
        judged.checks = checked.checks

    @cached_property
    def _accounts(self) -> list[Resource]:
        """Read what serves whole accounts, each time anew in every process: trees cannot be sent."""
        reading = Reading(self._options, self.reading.found, self._vocabulary, _account_types(self._vocabulary))
        projects = [raw for unit in self._of_accounts for raw in reading.read(unit)]
        named = (named_project(raw, self._options, self._options.terms(raw.path), self._vocabulary) for raw in projects)
        return [one for project in named for one in project.resources if one.kind in OF_THE_ACCOUNT]


def units_of_accounts(options: Options, found: Found) -> list[Unit]:
    """Give the units that hold resources which serve whole accounts."""
    vocabulary = bundled_vocabulary()
    units: dict[Unit, None] = {}
    about = _account_types(vocabulary)
    everywhere = replace(options, only=None)  # any project may hold the budget, whichever files have changed
    for unit, raw in Reading(everywhere, found, vocabulary, about).projects():
        kinds = (kind.name for one in raw.resources for kind in vocabulary.kind_of_type.get(one.type, ()))
        if any(kind in OF_THE_ACCOUNT for kind in kinds):
            units[unit] = None
    return list(units)


def _account_types(vocabulary: Vocabulary) -> frozenset[str]:
    return frozenset(raw for name in OF_THE_ACCOUNT for raw in vocabulary.kinds[name].types)


def named_project(raw: RawProject, options: Options, terms: Terms, vocabulary: Vocabulary) -> Project:
    """Give a project in the words of the vocabulary, with what the user said of it."""
    native = frozenset(kind for policy in terms.policies for kind in policy.applies_to if ":" in kind)
    return normalise(raw, vocabulary, _settings(raw, options, terms), native)


def _settings(raw: RawProject, options: Options, terms: Terms) -> Settings:
    configuration = terms.configuration
    said = options.environment or raw.environment or configuration.environment_of(raw.path)
    parameters = configuration.parameters
    otherwise = configuration.environment or parameters.default_environment

    def parameter(name: str, of: str) -> object:
        return parameters.value(name, {"environment": of} if of else {})

    words = parameters.environment_words()
    return Settings(said, otherwise, words, parameter, configuration.assigned, terms.rates)


def _canonical(policies: Sequence[Policy]) -> Callable[[str], str | None]:
    names = {name: policy.id for policy in policies for name in (policy.id, *policy.aliases)}
    return lambda name: names.get(name) or names.get(name.upper())


def _needed(judged: Judged, documents: Mapping[str, Document]) -> dict[str, Document]:
    """Give the documents that a report shows lines of, or that a fix writes in; all others go with the project."""
    places = [one.at for one in judged.findings]
    places += [one.span for finding in judged.findings for one in finding.related]
    places += [wish.at for wish in judged.wishes]
    splices = [one for finding in judged.findings if finding.repair is not None for one in finding.repair.splices]
    paths = dict.fromkeys([*(place.path for place in places), *(splice.path for splice in splices)])
    return {path: documents[path] for path in paths if path in documents}
