"""Step Functions: paid tasks that a state machine comes back to without end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlguard.patterns import lazy_pattern
from mlguard.scenario import Scenario
from mlguard.value import Content, Entries, Items, Node, Unknown, child, settle, text_of
from mlguard.vocabulary.derived.subject import Subject
from mlguard.vocabulary.embedded.definition import MAX_DEPTH, Reader, kind_of_call

_MAX_MACHINES = 1000
_COUNTS = ("Numeric", "Timestamp")
_COMPARES = lazy_pattern(r"[<>]")
_ASKS_SOMEBODY = ".waitForTaskToken"


def retry_loops(subject: Subject, scenario: Scenario) -> Content | Node:
    """List the tasks that start a paid job and are on a way back to themselves that nothing ever leaves by counting.

    A choice that compares numbers or times bounds a loop, and so does a task that waits for somebody's answer. What
    cannot be read has no loop here: that it cannot be read is said of its jobs.
    """
    written = subject.property("definition", scenario)
    whole = Reader(subject.project.documents).read(written) if written is not None else None
    if whole is None or isinstance(whole.content, Unknown):
        return None
    found = [state for states in _machines(whole, scenario) for state in _endless(states, scenario)]
    return Node(Items(tuple(found)), found[0].span, found[0].key_span) if found else None


def _machines(whole: Node, scenario: Scenario) -> Iterator[Mapping[str, Node]]:
    """Give the states of the machine, and those of each machine inside of a map or a branch."""
    pending = [(whole, 0)]
    for _ in range(_MAX_MACHINES):
        if not pending:
            return
        machine, depth = pending.pop()
        states = child(machine, "States", scenario)
        content = states.content if states is not None else None
        named = {name: settle(node, scenario) for name, node in _entries(content).items()}
        yield named
        for state in named.values() if depth < MAX_DEPTH else ():
            pending.extend((inner, depth + 1) for inner in _inner(state, scenario))


def _inner(state: Node, scenario: Scenario) -> Iterator[Node]:
    for key in ("ItemProcessor", "Iterator"):
        found = child(state, key, scenario)
        if found is not None:
            yield found
    yield from _listed(state, "Branches", scenario)


def _endless(states: Mapping[str, Node], scenario: Scenario) -> Iterator[Node]:
    after = {name: set(_next(state, scenario)) & states.keys() for name, state in states.items()}
    before: dict[str, set[str]] = {name: set() for name in states}
    for name, following in after.items():
        for one in following:
            before[one].add(name)
    loops = _loops(after, before)
    ends: dict[str, bool] = {}  # by the first state of the loop
    for name, state in states.items():
        loop = loops[name]
        if (len(loop) < 2 and name not in after[name]) or kind_of_call(_text(state, "Resource", scenario)) is None:  # noqa: PLR2004  (itself)
            continue
        if loop[0] not in ends:
            ends[loop[0]] = any(_ends(states[one], scenario) for one in loop)
        if not ends[loop[0]]:
            yield Node(name, state.key_span or state.span, state.key_span)


def _loops(after: Mapping[str, set[str]], before: Mapping[str, set[str]]) -> Mapping[str, list[str]]:
    """Give for each state those that it leads to and that lead back to it, in order, itself among them."""
    finished: list[str] = []
    seen: set[str] = set()
    for start in after:
        pending = [(start, False)]
        while pending:
            name, done = pending.pop()
            if done:
                finished.append(name)
            elif name not in seen:
                seen.add(name)
                pending.append((name, True))
                pending.extend((one, False) for one in after[name])
    place = {name: number for number, name in enumerate(after)}
    loops: dict[str, list[str]] = {}
    for start in reversed(finished):
        waiting, loop = [start], list[str]()
        while waiting:
            name = waiting.pop()
            if name not in loops:
                loops[name] = loop
                loop.append(name)
                waiting.extend(before[name])
        loop.sort(key=place.__getitem__)
    return loops


def _next(state: Node, scenario: Scenario) -> Iterator[str]:
    """Give the states that may follow a state."""
    ways = [state, *_listed(state, "Choices", scenario), *_listed(state, "Catch", scenario)]
    for node in ways:
        for key in ("Next", "Default"):
            name = _text(node, key, scenario)
            if name:
                yield name


def _ends(state: Node, scenario: Scenario) -> bool:
    """Tell whether a state may end the loop that it is in: by counting, by the time, or by asking somebody."""
    if _ASKS_SOMEBODY in _text(state, "Resource", scenario):
        return True
    return any(_counts(rule, scenario, 0) for rule in _listed(state, "Choices", scenario))


def _counts(node: Node, scenario: Scenario, depth: int) -> bool:
    content = settle(node, scenario).content
    if depth > MAX_DEPTH:
        return True
    if isinstance(content, Items):
        return any(_counts(item, scenario, depth + 1) for item in content.nodes)
    for key, value in _entries(content).items():
        if key.startswith(_COUNTS) or _counts(value, scenario, depth + 1):
            return True
        condition = settle(value, scenario).content if key == "Condition" else None
        if isinstance(condition, Unknown) or (isinstance(condition, str) and _COMPARES.search(condition)):
            return True
    return False


def _entries(content: Content) -> Mapping[str, Node]:
    return content.nodes if isinstance(content, Entries) else {}


def _listed(node: Node, key: str, scenario: Scenario) -> tuple[Node, ...]:
    found = child(node, key, scenario)
    return found.content.nodes if found is not None and isinstance(found.content, Items) else ()


def _text(node: Node, key: str, scenario: Scenario) -> str:
    found = child(node, key, scenario)
    content = found.content if found is not None else None
    return content.pattern if isinstance(content, Unknown) else text_of(content) or ""
