"""Judge every resource of some projects under the SCPs of its environment, in every scenario of its values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mlguard.configuration import Configuration
from mlguard.errors import GuardrailError, MlguardError
from mlguard.guardrail.document import BREAK_GLASS, generate
from mlguard.guardrail.document import Options as Settings
from mlguard.knowledge.regions import partition as partition_of
from mlguard.policy.model import Policy
from mlguard.record import field, record
from mlguard.rehearsal.calls import CALLS
from mlguard.rehearsal.requests import Deployer, requests_of
from mlguard.resource import Resource
from mlguard.scan import Options, projects_of
from mlguard.scan.messages import witness
from mlguard.scenario import Decided, Outcome, Scenario, TooManyScenariosError, explore
from mlguard.scp.decide import Decision, Open, Request, decide, shown
from mlguard.scp.decide import Outcome as Verdict
from mlguard.scp.exemptions import PRINCIPAL
from mlguard.scp.reading import read
from mlguard.scp.written import WrittenStatement
from mlguard.source import Span
from mlguard.value import settle, text_of

_MAX_SCENARIOS = 64


@record()
class Rehearsed:
    """What became of one call that creates a resource; `when` says in which scenarios, empty when in all.

    `asked` are the values of the keys that decide, by key; empty where nothing denies.
    """

    resource: str
    kind: str
    at: Span
    action: str
    outcome: Verdict
    environment: str
    denied_by: tuple[str, ...] = ()
    undecided: tuple[Open, ...] = ()
    when: str = ""
    asked: tuple[tuple[str, tuple[str, ...]], ...] = ()


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
        self._made: dict[tuple[str, str], list[WrittenStatement]] = {}
        self._given: list[WrittenStatement] | None = None
        if given:
            self._given = [statement for path, text in given for statement in _statements(path, text)]

    def of(self, environment: str, partition: str = "aws") -> list[WrittenStatement]:
        """Give the statements that hold in an environment; GuardrailError where they cannot be made."""
        if self._given is not None:
            return self._given
        key = environment, partition
        if key not in self._made:
            settings = Settings(exempt=self._configuration.break_glass or BREAK_GLASS, partition=partition)
            self._made[key] = generate(self._policies, self._configuration.parameters, environment, settings).statements
        return self._made[key]


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


@record()
class _Judged:
    """The requests of a resource in a scenario, each with its decision; `statements` by which they were decided."""

    environment: str
    decisions: tuple[tuple[Request, Decision], ...]
    statements: Sequence[WrittenStatement]


def _resource(resource: Resource, documents: Documents, deployer: Deployer) -> Iterator[Rehearsed]:
    """Judge one resource, and tell once what holds in several scenarios."""

    def look(scenario: Scenario) -> _Judged | None:
        if resource.raw.exists(scenario) is False:
            return None
        environment = text_of(settle(resource.properties["environment"], scenario).content) or ""
        asked = list(requests_of(resource, scenario, deployer))
        region = text_of(settle(resource.raw.region, scenario).content) or ""
        try:
            statements = documents.of(environment, partition_of(region) or "aws")
        except GuardrailError as error:
            if (partition_of(region) or "aws") == "aws":
                raise
            open_one = Open("", "", str(error))  # another partition needs parameters of its own
            return _Judged(environment, tuple((one, Decision("undecided", (), (open_one,))) for one in asked), ())
        return _Judged(environment, tuple((one, decide(one, statements)) for one in asked), statements)

    found: list[Outcome[_Judged | None]] = []
    try:
        found.extend(explore(look, _MAX_SCENARIOS))
    except TooManyScenariosError:
        because = f"more than {_MAX_SCENARIOS} combinations of parameters matter here"
        open_one = Open("", "", because)
        yield Rehearsed(resource.address, resource.kind, _place(resource), "", "undecided", "", (), (open_one,))
    yield from _grouped(resource, [(one.decisions, one.result) for one in found if one.result is not None])


def _grouped(resource: Resource, there: Sequence[tuple[Mapping[str, Decided], _Judged]]) -> Iterator[Rehearsed]:
    every = [decisions for decisions, _ in there]
    groups: dict[tuple[str, str, Verdict], list[tuple[Mapping[str, Decided], Decision, _Judged]]] = {}
    for decisions, judged in there:
        for action in dict.fromkeys(request.action for request, _ in judged.decisions):
            whole = _together([decision for request, decision in judged.decisions if request.action == action])
            groups.setdefault((action, judged.environment, whole.outcome), []).append((decisions, whole, judged))
    for (action, environment, outcome), members in groups.items():
        first = members[0][1]
        yield Rehearsed(
            resource.address,
            resource.kind,
            _place(resource),
            action,
            outcome,
            environment,
            tuple(dict.fromkeys(sid for _, one, _ in members for sid in one.denied_by)),
            first.undecided,
            witness([decisions for decisions, _, _ in members], every),
            _asked([judged for _, _, judged in members] if outcome == "denied" else [], action),
        )


def _asked(judged: Sequence[_Judged], action: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Give what the denied requests for an action ask for: the values of the keys that the denying statements test."""
    found: dict[str, dict[str, None]] = {}
    for one in judged:
        for request, decision in one.decisions:
            denying = [statement for statement in one.statements if statement.sid in decision.denied_by]
            for key in {test.key.value: None for statement in denying for test in statement.tests}:
                values = request.values(key)
                if request.action == action and key.lower() != PRINCIPAL.lower() and values is not None:
                    found.setdefault(key, {}).update(dict.fromkeys(shown(value) for value in values.known))
    return tuple((key, tuple(values)) for key, values in found.items() if values)


def _together(decisions: Sequence[Decision]) -> Decision:
    """Unite the decisions about one call that asks for several resources: each of them must pass."""
    denied = tuple(dict.fromkeys(sid for one in decisions for sid in one.denied_by))
    if denied:
        return Decision("denied", denied)
    undecided = tuple(dict.fromkeys(reason for one in decisions for reason in one.undecided))
    return Decision("undecided", (), undecided) if undecided else Decision("allowed")


def _place(resource: Resource) -> Span:
    return resource.raw.source or resource.raw.name_span
