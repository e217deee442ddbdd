"""Which resource a value names is known, known not to be, or open."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlguard.resource import RawResource
from mlguard.scenario import Scenario
from mlguard.source import Span
from mlguard.value import Entries, Items, Node, Reference, Unknown
from mlguard.vocabulary.joins import names_resource, without_keys
from mlguard.vocabulary.paths import walk

AT = Span("t.tf", 1, 1, 1, 2)


def node(value: object) -> Node:
    if isinstance(value, dict):
        return Node(Entries({key: node(below) for key, below in value.items()}), AT)
    if isinstance(value, list):
        return Node(Items(tuple(node(below) for below in value)), AT)
    return Node(value, AT)  # type: ignore[arg-type]


def bucket(address: str = "aws_s3_bucket.b") -> RawResource:
    return RawResource("terraform", "aws_s3_bucket", address, node({}), AT, AT, node(None))


HIDDEN = Unknown("x")


@pytest.mark.parametrize(
    ("value", "name", "wanted"),
    [
        (Reference("aws_s3_bucket.b", "id"), None, True),
        (Reference("aws_s3_bucket.c", "id"), None, False),
        (Reference("aws_s3_bucket.b[0]", "id"), None, False),
        ("data", "data", True),
        ("other", "data", False),
        ("data", None, False),
        ("data", HIDDEN, None),
        ("data-x", Unknown("x", "data-*"), None),
        ("other", Unknown("x", "data-*"), False),
        (HIDDEN, None, None),
        (HIDDEN, "data", None),
        (Unknown("x", "da*"), "data", None),
        (Unknown("x", "no*"), "data", False),
        (Unknown("x", "*", (Reference("aws_s3_bucket.c"),)), None, False),
        (Unknown("x", "*", (Reference("aws_s3_bucket.b"),)), None, None),
    ],
)
def test_names(value: object, name: object, wanted: bool | None) -> None:  # noqa: FBT001
    own = None if name is None else node(name)
    assert names_resource(node(value), bucket(), own) is wanted


@pytest.mark.parametrize(
    ("reference", "address", "wanted"),
    [
        ("aws_s3_bucket.b[0]", "aws_s3_bucket.b[0]", True),
        ("aws_s3_bucket.b[1]", "aws_s3_bucket.b[0]", False),
        ("aws_s3_bucket.b[?]", "aws_s3_bucket.b[0]", None),
        ("aws_s3_bucket.b", "aws_s3_bucket.b[0]", None),
        ('module.m["a"].aws_s3_bucket.b', 'module.m["b"].aws_s3_bucket.b', False),
    ],
)
def test_instances(reference: str, address: str, wanted: bool | None) -> None:  # noqa: FBT001
    assert names_resource(node(Reference(reference)), bucket(address), None) is wanted


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ('module.m["a"].aws_x.y[0]', "module.m.aws_x.y"),
        ('aws_x.y["a]b"]', "aws_x.y"),
        ("aws_x.y", "aws_x.y"),
        ("Parent/Child", "Parent/Child"),
    ],
)
def test_an_address_without_keys(address: str, wanted: str) -> None:
    assert without_keys(address) == wanted


@given(st.text(alphabet='ab."[]\\0', max_size=20))
def test_any_address_loses_its_keys(address: str) -> None:
    assert len(without_keys(address)) <= len(address)


TREE = {"A": {"B": [{"C": 1}, {"C": 2}, {"D": 3}]}, "E": [{"F": [1, 2]}, {"F": [3]}], "N": None}


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("A.B[].C", [1, 2]),
        ("E[].F[]", [1, 2, 3]),
        ("A.X", None),
        ("N", None),
        ("X[].C", None),
        ("A.B[].X", []),
    ],
)
def test_paths(path: str, wanted: object) -> None:
    found = walk(node(TREE), path, Scenario())
    if wanted is None:
        assert found is None
    else:
        assert found is not None
        assert isinstance(found.content, Items)
        assert [one.content for one in found.content.nodes] == wanted


def test_an_unknown_on_the_way_is_an_open_list() -> None:
    found = walk(node({"A": HIDDEN}), "A.B[].C", Scenario())
    assert found is not None
    assert isinstance(found.content, Items | Unknown)
    if isinstance(found.content, Items):
        assert found.content.rest is HIDDEN
