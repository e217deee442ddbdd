"""Laws of exploring: every combination that matters, no other, each once, and memory changes nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlguard.scenario import (
    Decided,
    ImpossibleError,
    Memory,
    Outcome,
    Scenario,
    TooManyScenariosError,
    explore,
)

Tree = tuple[str, "dict[Decided, Tree]"] | int
"""A computation: a leaf is its result, a branch asks for a variable and goes on with the answer."""
_DOMAINS: dict[str, tuple[Decided, ...]] = {"a": (1, 2), "b": ("x", "y", "z"), "c": (True, False)}


def trees() -> st.SearchStrategy[Tree]:
    leaves: st.SearchStrategy[Tree] = st.integers(0, 3)

    def branch(below: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
        return st.sampled_from(sorted(_DOMAINS)).flatmap(
            lambda name: st.tuples(st.just(name), st.fixed_dictionaries(dict.fromkeys(_DOMAINS[name], below)))
        )

    return st.recursive(leaves, branch, max_leaves=12)


def run(tree: Tree, scenario: Scenario) -> int:
    while not isinstance(tree, int):
        name, branches = tree
        tree = branches[scenario.decide(name, _DOMAINS[name])]
    return tree


def paths(tree: Tree, fixed: dict[str, Decided]) -> list[tuple[dict[str, Decided], int]]:
    """Enumerate by plain recursion what exploring must find."""
    if isinstance(tree, int):
        return [(fixed, tree)]
    name, branches = tree
    options = (fixed[name],) if name in fixed else _DOMAINS[name]
    return [path for option in options for path in paths(branches[option], {**fixed, name: option})]


@given(trees())
def test_explore_finds_exactly_the_combinations_that_matter(tree: Tree) -> None:
    found = [(dict(outcome.decisions), outcome.result) for outcome in explore(lambda scenario: run(tree, scenario))]
    assert found == paths(tree, {})


@given(trees())
def test_the_first_outcome_is_that_of_the_defaults(tree: Tree) -> None:
    first = next(iter(explore(lambda scenario: run(tree, scenario))))
    assert all(value == _DOMAINS[name][0] for name, value in first.decisions.items())


@given(trees(), st.integers(1, 6))
def test_the_limit_is_said_and_not_silently_cut(tree: Tree, limit: int) -> None:
    wanted = paths(tree, {})
    found: list[Outcome[int]] = []
    try:
        found.extend(explore(lambda scenario: run(tree, scenario), limit))
    except TooManyScenariosError:
        assert len(wanted) > limit
    else:
        assert len(wanted) <= limit
        assert len(found) == len(wanted)


def test_what_is_impossible_is_left_out() -> None:
    def judged(scenario: Scenario) -> Decided:
        value = scenario.decide("a", (1, 2, 3))
        if value == 2:
            raise ImpossibleError
        return value

    assert [outcome.result for outcome in explore(judged)] == [1, 3]


def test_two_looks_at_one_variable_agree() -> None:
    def both(scenario: Scenario) -> tuple[Decided, Decided]:
        return scenario.decide("a", (1, 2)), scenario.decide("a", (1, 2))

    assert [outcome.result for outcome in explore(both)] == [(1, 1), (2, 2)]


def looking_trees() -> st.SearchStrategy[Tree]:
    """Draw computations that also ask whether a variable has a value yet: `?a`."""

    def branch(below: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
        domains: dict[str, tuple[Decided, ...]] = {**_DOMAINS, **{f"?{name}": (True, False) for name in _DOMAINS}}
        return st.sampled_from(sorted(domains)).flatmap(
            lambda name: st.tuples(st.just(name), st.fixed_dictionaries(dict.fromkeys(domains[name], below)))
        )

    return st.recursive(st.integers(0, 3), branch, max_leaves=12)


def guarded(tree: Tree, scenario: Scenario, forbidden: frozenset[tuple[Decided, Decided]]) -> int:
    """Run a computation in which no two values that are forbidden together may be decided."""

    def check(inner: Scenario) -> None:
        values = set(inner.decisions.values())
        if any(one in values and other in values for one, other in forbidden):
            raise ImpossibleError

    while not isinstance(tree, int):
        name, branches = tree
        if name.startswith("?"):
            tree = branches[scenario.decided(name[1:])]
            continue
        scenario.guard = check
        tree = branches[scenario.decide(name, _DOMAINS[name])]
        scenario.guard = None
        check(scenario)
    return tree


_VALUES = [value for domain in _DOMAINS.values() for value in domain]


@given(
    st.lists(looking_trees(), min_size=1, max_size=3),
    st.lists(st.integers(0, 2), min_size=1, max_size=5),
    st.frozensets(st.tuples(st.sampled_from(_VALUES), st.sampled_from(_VALUES)), max_size=2),
)
def test_memory_changes_neither_a_result_nor_the_way_to_it(
    parts: list[Tree], order: list[int], forbidden: frozenset[tuple[Decided, Decided]]
) -> None:
    """Parts are asked for again and again, in one scenario and over many, nested in one another."""

    def total(recall: Callable[[int, Scenario], int]) -> Callable[[Scenario], tuple[int, ...]]:
        return lambda scenario: tuple(recall(index % len(parts), scenario) for index in order)

    def plain(index: int, scenario: Scenario) -> int:
        below = plain(index - 1, scenario) if index else 0
        return 10 * below + guarded(parts[index], scenario, forbidden)

    memory = Memory()

    def remembered(index: int, scenario: Scenario) -> int:
        def compute(inner: Scenario) -> int:
            below = remembered(index - 1, inner) if index else 0
            return 10 * below + guarded(parts[index], inner, forbidden)

        return memory.recall(index, scenario, compute)

    def outcomes(recall: Callable[[int, Scenario], int]) -> list[tuple[list[tuple[str, Decided]], tuple[int, ...]]]:
        return [(list(one.decisions.items()), one.result) for one in explore(total(recall))]

    wanted = outcomes(plain)
    assert outcomes(remembered) == wanted
    assert outcomes(remembered) == wanted


def test_memory_finds_a_result_without_computing_what_leads_to_it() -> None:
    """Of a long row of decisions, each scenario takes the same first ones: they are taken from memory."""
    memory, computed = Memory(), 0

    def flag(name: str, scenario: Scenario) -> Decided:
        def compute(inner: Scenario) -> Decided:
            nonlocal computed
            computed += 1
            return inner.decide(name, (True, False))

        return memory.recall(name, scenario, compute)

    names = [str(number) for number in range(8)]
    assert len(list(explore(lambda scenario: [flag(name, scenario) for name in names]))) == 2 ** len(names)
    assert computed == 2 * len(names)


def test_what_memory_decides_is_as_impossible_as_what_is_computed() -> None:
    memory, forbidden = Memory(), frozenset({(1, "x")})
    parts: list[Tree] = [("b", {"x": 0, "y": 1, "z": 2}), ("a", {1: 0, 2: 1})]

    def recall(index: int, scenario: Scenario) -> int:
        return memory.recall(index, scenario, lambda inner: guarded(parts[index], inner, forbidden))

    assert [one.result for one in explore(lambda scenario: recall(0, scenario))] == [0, 1, 2]
    both = explore(lambda scenario: (recall(1, scenario), recall(0, scenario)))
    assert [one.result for one in both] == [(0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]


def test_memory_keeps_nothing_that_depends_on_a_decision_that_was_only_looked_for() -> None:
    """Whether a variable is decided is a fact of the scenario, like its value."""
    memory = Memory()

    def peek(scenario: Scenario) -> str:
        return str(scenario.decide("a", ())) if scenario.decided("a") else "open"

    first = Scenario()
    assert memory.recall("peek", first, peek) == "open"
    second = Scenario()
    second.decide("a", ("chosen",))
    assert memory.recall("peek", second, peek) == "chosen"


def test_memory_keeps_nothing_that_took_a_decision_after_it_had_looked_for_it() -> None:
    """Such a result belongs to a scenario that was open before and is decided after: no other one is alike."""
    memory = Memory()

    def look_then_decide(scenario: Scenario) -> tuple[bool, Decided]:
        return scenario.decided("a"), scenario.decide("a", (1, 2))

    def nested(scenario: Scenario) -> tuple[bool, Decided]:
        return memory.recall("inner", scenario, look_then_decide)

    for _ in range(2):
        found = [outcome.result for outcome in explore(lambda scenario: memory.recall("outer", scenario, nested))]
        assert found == [(False, 1), (False, 2)]


def test_explore_keeps_to_what_is_fixed() -> None:
    def both(scenario: Scenario) -> tuple[Decided, Decided]:
        return scenario.decide("a", (1, 2)), scenario.decide("b", (1, 2))

    outcomes = list(explore(both, fixed={"b": 2}))
    assert [(dict(outcome.decisions), outcome.result) for outcome in outcomes] == [
        ({"b": 2, "a": 1}, (1, 2)),
        ({"b": 2, "a": 2}, (2, 2)),
    ]


def test_memory_keeps_nothing_of_a_computation_that_failed() -> None:
    memory = Memory()

    def fails(_scenario: Scenario) -> int:
        raise ImpossibleError

    with pytest.raises(ImpossibleError):
        memory.recall("x", Scenario(), fails)
    assert memory.recall("x", Scenario(), lambda _scenario: 1) == 1
