"""Laws of strong Kleene logic over clauses, and what each test says of each sort of value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlguard.policy.evaluate import Context, Truth, Verdict, judge
from mlguard.policy.model import Check, Clause, Combined, ParameterOperand, Quantified
from mlguard.scenario import Scenario
from mlguard.source import Span
from mlguard.value import Content, Entries, Items, Node, Reference, Unknown

AT = Span("t.yaml", 1, 1, 1, 2)
HIDDEN = Unknown("nobody knows")
_NAMES = ("a", "b", "c")
_SCALARS: tuple[Any, ...] = (0, 1, 2.5, "x", "ml.t3.medium", True, False)


def node(value: Any) -> Node:  # noqa: ANN401  (any content, lists and mappings as Python writes them)
    if isinstance(value, dict):
        return Node(Entries({key: node(below) for key, below in value.items()}), AT)
    if isinstance(value, list):
        return Node(Items(tuple(node(below) for below in value)), AT)
    return Node(value, AT)


def context(parameters: Mapping[str, object] | None = None) -> Context:
    return Context(lambda name, _selectors: (parameters or {})[name], Scenario())


def truth(clause: Clause, scope: Any) -> Truth:  # noqa: ANN401
    return judge(clause, scope if isinstance(scope, Node) else node(scope), context()).truth


_CHECKS: st.SearchStrategy[Clause] = st.one_of(
    st.builds(Check, st.sampled_from(_NAMES), st.just("exists"), st.booleans()),
    st.builds(Check, st.sampled_from(_NAMES), st.just("equals"), st.sampled_from(_SCALARS)),
    st.builds(Check, st.sampled_from(_NAMES), st.just("in"), st.just(("x", "ml.*", "1"))),
    st.builds(Check, st.sampled_from(_NAMES), st.just("matches"), st.sampled_from(("^x", "t3"))),
    st.builds(Check, st.sampled_from(_NAMES), st.sampled_from(("at_least", "at_most")), st.sampled_from((0, 1, 2))),
)


def _larger(below: st.SearchStrategy[Clause]) -> st.SearchStrategy[Clause]:
    several = st.lists(below, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Combined, st.sampled_from(("all", "any")), several),
        below.map(lambda one: Combined("not", (one,))),
        st.builds(Quantified, st.sampled_from(_NAMES), st.sampled_from(("some", "every")), below),
        st.builds(
            Quantified,
            st.sampled_from(_NAMES),
            st.just("count"),
            st.builds(Check, st.just("count"), st.sampled_from(("equals", "at_least", "at_most")), st.integers(0, 3)),
        ),
    )


CLAUSES = st.recursive(_CHECKS, _larger, max_leaves=6)


def _mappings(values: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.dictionaries(st.sampled_from(_NAMES), values, max_size=3).map(lambda found: Node(Entries(found), AT))


_LEAVES = st.sampled_from((*_SCALARS, None, HIDDEN, Reference("other", "arn"))).map(lambda content: Node(content, AT))


def _with_lists(values: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    listed = st.builds(
        lambda nodes, rest: Node(Items(tuple(nodes), rest), AT),
        st.lists(_mappings(values) | values, max_size=3),
        st.sampled_from((None, HIDDEN)),
    )
    return listed | values


SCOPES = _mappings(_with_lists(_with_lists(_LEAVES)))


@given(CLAUSES, SCOPES)
def test_not_twice_is_identity(clause: Clause, scope: Node) -> None:
    assert truth(Combined("not", (Combined("not", (clause,)),)), scope) is truth(clause, scope)


@given(CLAUSES, SCOPES)
def test_not_turns_the_order_round(clause: Clause, scope: Node) -> None:
    assert truth(Combined("not", (clause,)), scope) == 2 - truth(clause, scope)


@given(st.lists(CLAUSES, min_size=1, max_size=4), SCOPES)
def test_all_is_the_least_and_any_the_greatest(clauses: list[Clause], scope: Node) -> None:
    parts = tuple(clauses)
    each = [truth(part, scope) for part in parts]
    assert truth(Combined("all", parts), scope) is min(each)
    assert truth(Combined("any", parts), scope) is max(each)


@given(st.lists(CLAUSES, min_size=1, max_size=3), SCOPES)
def test_de_morgan(clauses: list[Clause], scope: Node) -> None:
    negated = tuple(Combined("not", (clause,)) for clause in clauses)
    one = Combined("not", (Combined("all", tuple(clauses)),))
    assert truth(one, scope) is truth(Combined("any", negated), scope)


def learn(found: Node, data: st.DataObject) -> Node:
    """Replace every unknown by something known, absence and more items included."""
    content = found.content
    if isinstance(content, Unknown):
        return node(data.draw(st.sampled_from((*_SCALARS, None, ["x"], [], [{"a": 1}], {"a": "x"}))))
    if isinstance(content, Entries):
        below = {key: learn(value, data) for key, value in content.nodes.items()}
        if content.rest is not None:
            below |= {name: node("x") for name in data.draw(st.sets(st.sampled_from(_NAMES))) if name not in below}
        return Node(Entries(below), AT)
    if isinstance(content, Items):
        more = data.draw(st.lists(st.sampled_from(("x", 1)), max_size=2)) if content.rest is not None else []
        return Node(Items((*(learn(one, data) for one in content.nodes), *(node(one) for one in more))), AT)
    return found


@given(CLAUSES, SCOPES, st.data())
def test_learning_more_never_flips_a_decided_verdict(clause: Clause, scope: Node, data: st.DataObject) -> None:
    before = truth(clause, scope)
    after = truth(clause, learn(scope, data))
    assert before is Truth.UNKNOWN or after is before


@given(CLAUSES, SCOPES)
def test_an_undecided_verdict_names_what_it_waits_for(clause: Clause, scope: Node) -> None:
    verdict: Verdict = judge(clause, scope, context())
    if verdict.truth is Truth.UNKNOWN:
        assert verdict.leaves
        assert all(leaf.because for leaf in verdict.leaves)


FAIL, UNKNOWN, PASS = Truth.FAIL, Truth.UNKNOWN, Truth.PASS


@pytest.mark.parametrize(
    ("relation", "operand", "value", "wanted"),
    [
        ("exists", True, None, FAIL),
        ("exists", False, None, PASS),
        ("exists", True, "", PASS),
        ("exists", True, [], FAIL),
        ("exists", True, Reference("x"), PASS),
        ("exists", True, HIDDEN, UNKNOWN),
        ("equals", "x", None, FAIL),
        ("equals", "x", "x", PASS),
        ("equals", "1", 1, PASS),
        ("equals", True, "true", PASS),
        ("equals", 5, "5.0", FAIL),
        ("equals", "x", Reference("x"), UNKNOWN),
        ("equals", "x", ["x"], UNKNOWN),
        ("in", ("a", "b"), "b", PASS),
        ("in", ("ml.t3.*",), "ml.t3.medium", PASS),
        ("in", ("ml.t?.*",), "ml.t3.medium", PASS),
        ("in", ("ml.[t]3",), "ml.t3", FAIL),
        ("in", ("ml.[t]3",), "ml.[t]3", PASS),
        ("in", (), "x", FAIL),
        ("in", ("A",), "a", FAIL),
        ("in", (1, 2), "2", PASS),
        ("matches", "^a", "ab", PASS),
        ("matches", "^a", "ba", FAIL),
        ("matches", "^1", 12, UNKNOWN),
        ("matches", "x", "x" * 5000, UNKNOWN),
        ("at_least", 3, 3, PASS),
        ("at_least", 3, "4", PASS),
        ("at_least", 3, 2.9, FAIL),
        ("at_most", 3, 3.1, FAIL),
        ("at_most", 3, "many", UNKNOWN),
        ("at_most", 3, True, UNKNOWN),
        ("at_most", 3, None, FAIL),
        ("at_most", 3, HIDDEN, UNKNOWN),
    ],
)
def test_relations(relation: Any, operand: Any, value: Any, wanted: Truth) -> None:  # noqa: ANN401
    assert truth(Check("a", relation, operand), {"a": value}) is wanted


def test_nan_is_neither_at_least_nor_at_most_anything() -> None:
    for relation in ("at_least", "at_most"):
        assert truth(Check("a", relation, 3), {"a": "nan"}) is UNKNOWN


X = Check("v", "equals", "x")


@pytest.mark.parametrize(
    ("values", "rest", "some", "every"),
    [
        (["x"], None, PASS, PASS),
        (["x", "y"], None, PASS, FAIL),
        (["y"], None, FAIL, FAIL),
        ([], None, FAIL, PASS),
        ([], HIDDEN, UNKNOWN, UNKNOWN),
        (["x"], HIDDEN, PASS, UNKNOWN),
        (["y"], HIDDEN, UNKNOWN, FAIL),
        (["y", HIDDEN], None, UNKNOWN, FAIL),
        (["x", HIDDEN], None, PASS, UNKNOWN),
    ],
)
def test_some_and_every(values: list[Any], rest: Unknown | None, some: Truth, every: Truth) -> None:
    listed = Node(Items(tuple(node({"v": one}) for one in values), rest), AT)
    scope = Node(Entries({"a": listed}), AT)
    assert truth(Quantified("a", "some", X), scope) is some
    assert truth(Quantified("a", "every", X), scope) is every


@pytest.mark.parametrize("quantifier", ["some", "every"])
def test_a_list_that_is_absent_conforms_to_nothing(quantifier: Any) -> None:  # noqa: ANN401
    assert truth(Quantified("a", quantifier, X), {}) is FAIL
    assert truth(Quantified("a", quantifier, X), {"a": HIDDEN}) is UNKNOWN


def test_a_plain_item_is_called_value_and_a_single_value_is_a_list_of_one() -> None:
    clause = Quantified("a", "every", Check("value", "equals", "x"))
    assert truth(clause, {"a": ["x", "x"]}) is PASS
    assert truth(clause, {"a": "x"}) is PASS


@pytest.mark.parametrize(
    ("value", "wanted"), [(["x", "x"], PASS), (["x"], FAIL), ([], FAIL), (None, FAIL), (HIDDEN, UNKNOWN)]
)
def test_count(value: Content | list[Any], wanted: Truth) -> None:
    assert truth(Quantified("a", "count", Check("count", "at_least", 2)), {"a": value}) is wanted


def test_every_failing_item_is_a_leaf_of_its_own() -> None:
    verdict = judge(Quantified("a", "every", X), node({"a": [{"v": "x"}, {"v": "y"}, {"v": "z"}]}), context())
    assert [leaf.found.content for leaf in verdict.leaves if leaf.found is not None] == ["y", "z"]
    assert {leaf.path for leaf in verdict.leaves} == {("a", "v")}


def test_a_parameter_waits_for_its_selectors() -> None:
    clause = Check("a", "in", ParameterOperand("allowed", ("use",)))
    look = context({"allowed": ["x"]})
    assert judge(clause, node({"a": "x", "use": "notebook"}), look).truth is PASS
    assert judge(clause, node({"a": "y", "use": "notebook"}), look).truth is FAIL
    assert judge(clause, node({"a": "y", "use": HIDDEN}), look).truth is UNKNOWN
