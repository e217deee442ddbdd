"""Step Functions: the tasks of a state machine that start a paid job, however deep in maps and parallel branches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from mlguard.patterns import lazy_pattern
from mlguard.record import record, replace
from mlguard.scenario import Scenario
from mlguard.value import Choice, Entries, Items, Node, Reference, Unknown, child, references_in, settle, text_of
from mlguard.vocabulary.embedded.definition import (
    MAX_DEPTH,
    MAX_JOBS,
    Carrier,
    Found,
    hidden,
    job_at,
    kind_of_call,
    speaks_of_jobs,
)

_WHOLE = lazy_pattern(r"\$\{(\w+)\}\Z")
_PART = lazy_pattern(r"\$\{(\w+)\}")
_MAX_MACHINES = 1000
_NO_REQUEST = "the input of the state machine is the job's request"


def state_tasks(carrier: Carrier, scenario: Scenario) -> Iterator[Found]:
    """Give the tasks that start a job; `Task` in a request holds the state around it: its retries, its timeout."""
    written = carrier.definition(scenario)
    whole = carrier.reader.read(written) if written is not None else None
    if written is None or whole is None:
        return
    if isinstance(whole.content, Unknown):
        known = written.content.pattern if isinstance(written.content, Unknown) else text_of(written.content) or ""
        yield hidden(whole, whole.content.because, machines=speaks_of_jobs(known))
        return
    filling = _Filling(_named(carrier.substitutions(scenario)), scenario)
    count = 0
    for name, state in _states(whole, scenario):
        kind = kind_of_call(filling.text(child(state, "Resource", scenario)))
        if kind is not None and count < MAX_JOBS:
            count += 1
            yield _job(kind, name, state, filling)


def _states(whole: Node, scenario: Scenario) -> Iterator[tuple[str, Node]]:
    """Give every state in the order of writing: those of the machine, then those inside of maps and branches."""
    pending = [(whole, 0)]
    for _ in range(_MAX_MACHINES):
        if not pending:
            return
        machine, depth = pending.pop(0)
        states = child(machine, "States", scenario)
        for name, node in states.content.nodes.items() if states and isinstance(states.content, Entries) else ():
            state = settle(node, scenario)
            yield name, state
            if depth < MAX_DEPTH:
                pending.extend((inner, depth + 1) for inner in _inner_machines(state, scenario))


def _inner_machines(state: Node, scenario: Scenario) -> Iterator[Node]:
    for key in ("ItemProcessor", "Iterator"):
        found = child(state, key, scenario)
        if found is not None:
            yield found
    branches = child(state, "Branches", scenario)
    if branches is not None and isinstance(branches.content, Items):
        yield from branches.content.nodes


def _job(kind: str, name: str, state: Node, filling: _Filling) -> Found:
    """Give the job of a task; it stands at the key of its state."""
    scenario = filling.scenario
    written = child(state, "Parameters", scenario) or child(state, "Arguments", scenario)
    at = replace(state, span=state.key_span or state.span)
    request = settle(filling.fill(written), scenario) if written else replace(at, content=Unknown(_NO_REQUEST))
    return job_at(at, kind, name, request, {"Task": filling.fill(state)})


def _named(node: Node | None) -> Mapping[str, Node]:
    return node.content.nodes if node is not None and isinstance(node.content, Entries) else {}


@record()
class _Filling:
    """What a state machine puts into its definition: substitutions at deployment, everything else when it runs."""

    substitutions: Mapping[str, Node]
    scenario: Scenario

    def text(self, node: Node | None) -> str:
        """Give a text as far as it is known."""
        content = settle(self.fill(node), self.scenario).content if node is not None else None
        return content.pattern if isinstance(content, Unknown) else text_of(content) or ""

    def fill(self, node: Node) -> Node:
        """Give a node whose values are filled in where somebody looks."""
        return self._filled(node, self.scenario) if _is_scalar(node) else self._later(node)

    def _later(self, node: Node) -> Node:
        return replace(node, content=Choice(partial(self._filled, node)))

    def _filled(self, node: Node, scenario: Scenario) -> Node:
        node = settle(node, scenario)
        content = node.content
        if isinstance(content, Entries):
            return replace(node, content=Entries(dict(self._entries(content)), content.rest))
        if isinstance(content, Items):
            return replace(node, content=Items(tuple(self.fill(item) for item in content.nodes), content.rest))
        if not isinstance(content, str):
            return node
        if content.startswith("{%"):
            return replace(node, content=Unknown("the state machine computes it when it runs"))
        return self._substituted(node, content, scenario) if _PART.search(content) else node

    def _entries(self, content: Entries) -> Iterator[tuple[str, Node]]:
        """Hide the value of a key that ends in `.$`: it is a path into the input of the state."""
        for key, value in content.nodes.items():
            if key.endswith(".$"):
                yield key[:-2], replace(value, content=Unknown("the state machine fills it in when it runs"))
            else:
                yield key, self.fill(value)

    def _substituted(self, node: Node, text: str, scenario: Scenario) -> Node:
        whole = _WHOLE.match(text)
        if whole is not None:
            value = self._substitution(whole[1], node, scenario)
            return Node(value.content, node.span, node.key_span, value.origins)
        because = ""
        references: list[Reference] = []
        pieces: list[str] = []
        position = 0
        for match in _PART.finditer(text):
            value = self._substitution(match[1], node, scenario)
            content = value.content
            known = text_of(content)
            if known is None:
                decided = f"the substitution {match[1]} is decided at deployment"
                because = because or (content.because if isinstance(content, Unknown) else decided)
                references.extend(references_in(value, scenario))
            pieces += [text[position : match.start()], "*" if known is None else known]
            position = match.end()
        joined = "".join([*pieces, text[position:]])
        return replace(node, content=Unknown(because, joined, tuple(references)) if because else joined)

    def _substitution(self, name: str, node: Node, scenario: Scenario) -> Node:
        if name in self.substitutions:
            return settle(self.substitutions[name], scenario)
        return replace(node, content=Unknown(f"nothing is substituted for ${{{name}}} in the definition"))


def _is_scalar(node: Node) -> bool:
    return not isinstance(node.content, Entries | Items | Choice)
