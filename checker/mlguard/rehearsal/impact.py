"""Judge every resource of some projects under the SCPs of its environment, in every scenario of its values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mlguard.configuration import Configuration
from mlguard.errors import GuardrailError, MlguardError
from mlguard.guardrail.document import BREAK_GLASS, generate
from mlguard.guardrail.document import Options as Settings
from mlguard.policy.model import Policy
from mlguard.record import field, record
from mlguard.rehearsal.calls import CALLS
from mlguard.rehearsal.requests import Deployer, requests_of
from mlguard.resource import Resource
from mlguard.scan import Options, projects_of
from mlguard.scan.messages import witness
from mlguard.scenario import Decided, Outcome, Scenario, TooManyScenariosError, explore
from mlguard.scp.decide import Decision, Open, Request, decide
from mlguard.scp.decide import Outcome as Verdict
from mlguard.scp.written import WrittenStatement, read
from mlguard.source import Span
from mlguard.value import settle, text_of

_MAX_SCENARIOS = 64


@record()
class Rehearsed:
    """What became of one call that creates a resource; `when` says in which scenarios, empty when in all."""

    resource: str
    kind: str
    at: Span
    action: str
    outcome: Verdict
    environment: str
    denied_by: tuple[str, ...] = ()
    undecided: tuple[Open, ...] = ()
    when: str = ""


@record(frozen=False)
class Impact:
    """The whole rehearsal; `unmodelled` are kinds of resources whose calls mlguard does not know."""

    rehearsed: list[Rehearsed] = field(default_factory=list)
    resources: int = 0
    unmodelled: dict[str, int] = field(default_factory=dict)
    problems: list[MlguardError] = field(default_factory=list)

    @property
    def denied(self) -> list[Rehearsed]:
        """Give the calls that would be refused."""
        return [one for one in self.rehearsed if one.outcome == "denied"]


class Documents:
    """The SCPs that bind an environment: those given for all, else those that the policies make."""

    def __init__(
        self, policies: Sequence[Policy], configuration: Configuration, given: Sequence[tuple[str, str]] = ()
    ) -> None:
        self._policies = policies
        self._configuration = configuration
        self._made: dict[str, list[WrittenStatement]] = {}
        self._given: list[WrittenStatement] | None = None
        if given:
            self._given = [statement for path, text in given for statement in _statements(path, text)]

    def of(self, environment: str) -> list[WrittenStatement]:
        """Give the statements that hold in an environment."""
        if self._given is not None:
            return self._given
        if environment not in self._made:
            settings = Settings(exempt=self._configuration.break_glass or BREAK_GLASS)
            made = generate(self._policies, self._configuration.parameters, environment, settings)
            self._made[environment] = [one for document in made.documents for one in read(document.text).statements]
        return self._made[environment]


def _statements(path: str, text: str) -> list[WrittenStatement]:
    written = read(text, path)
    if written.faults:
        first = written.faults[0]
        raise GuardrailError(f"{first.message}; mlguard scp check says more", path, first.line, first.column)
    return written.statements


def rehearse(options: Options, documents: Documents, deployer: Deployer | None = None) -> Impact:
    """Read projects and judge the calls that would create their resources."""
    impact = Impact()
    projects, problems = projects_of(options)
    impact.problems.extend(problems)
    for project in projects:
        for resource in project.resources:
            if resource.kind not in CALLS:
                impact.unmodelled[resource.kind] = impact.unmodelled.get(resource.kind, 0) + 1
                continue
            impact.resources += 1
            impact.rehearsed.extend(_resource(resource, documents, deployer or Deployer()))
    impact.rehearsed.sort(key=lambda one: (one.at, one.resource, one.action, one.outcome))
    return impact


def _resource(resource: Resource, documents: Documents, deployer: Deployer) -> Iterator[Rehearsed]:
    """Judge one resource, and tell once what holds in several scenarios."""

    def look(scenario: Scenario) -> tuple[str, list[tuple[Request, Decision]]] | None:
        if resource.raw.exists(scenario) is False:
            return None
        environment = text_of(settle(resource.properties["environment"], scenario).content) or ""
        statements = documents.of(environment)
        asked = list(requests_of(resource, scenario, deployer))
        return environment, [(request, decide(request, statements)) for request in asked]

    found: list[Outcome[tuple[str, list[tuple[Request, Decision]]] | None]] = []
    try:
        found.extend(explore(look, _MAX_SCENARIOS))
    except TooManyScenariosError:
        because = f"more than {_MAX_SCENARIOS} combinations of parameters matter here"
        open_one = Open("", "", because)
        yield Rehearsed(resource.address, resource.kind, _place(resource), "", "undecided", "", (), (open_one,))
    there = [(one.decisions, *one.result) for one in found if one.result is not None]
    yield from _grouped(resource, there)


_There = tuple[Mapping[str, Decided], str, list[tuple[Request, Decision]]]


def _grouped(resource: Resource, there: Sequence[_There]) -> Iterator[Rehearsed]:
    every = [decisions for decisions, _, _ in there]
    groups: dict[tuple[str, str, Verdict], list[tuple[Mapping[str, Decided], Decision]]] = {}
    for decisions, environment, judged in there:
        for action in dict.fromkeys(request.action for request, _ in judged):
            whole = _together([decision for request, decision in judged if request.action == action])
            groups.setdefault((action, environment, whole.outcome), []).append((decisions, whole))
    for (action, environment, outcome), members in groups.items():
        first = members[0][1]
        yield Rehearsed(
            resource.address,
            resource.kind,
            _place(resource),
            action,
            outcome,
            environment,
            tuple(dict.fromkeys(sid for _, one in members for sid in one.denied_by)),
            first.undecided,
            witness([decisions for decisions, _ in members], every),
        )


def _together(decisions: Sequence[Decision]) -> Decision:
    """Unite the decisions about one call that asks for several resources: each of them must pass."""
    denied = tuple(dict.fromkeys(sid for one in decisions for sid in one.denied_by))
    if denied:
        return Decision("denied", denied)
    undecided = tuple(dict.fromkeys(reason for one in decisions for reason in one.undecided))
    return Decision("undecided", (), undecided) if undecided else Decision("allowed")


def _place(resource: Resource) -> Span:
    return resource.raw.source or resource.raw.name_span
