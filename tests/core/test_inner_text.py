"""A text inside of a scalar is read character by character, and every character keeps its place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlguard.errors import MlguardError
from mlguard.parse.inner_text import inner_text, places
from mlguard.parse.yaml_document import load_yaml
from mlguard.source import Document
from mlguard.value import Entries, Items, Node

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(alphabet="aZ09 '\"\\é/{}[]:#,-", max_size=8),
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(st.text(alphabet="ab'\"é:#", max_size=4), below, max_size=3)
    ),
    max_leaves=8,
)


def block(text: str) -> str:
    return "K: |\n" + "".join(f"    {line}\n" for line in text.split("\n"))


def written(text: str) -> dict[str, str]:
    """Give a document for each way of writing a text under the key K."""
    single = text.replace("'", "''")
    return {
        "block": block(text),
        "sub": block(text).replace("|", "!Sub |"),
        "single": f"K: '{single}'\n",
        "double": f"K: {json.dumps(text)}\n",
        "json": f'{{"K": {{"Fn::Sub": {json.dumps(text)}}}}}\n',
    }


def value_of(document: Document) -> Node:
    content = load_yaml(document)[0].content
    assert isinstance(content, Entries)
    return content.nodes["K"]


@given(VALUES, st.sampled_from([None, 1]))
def test_every_way_of_writing_gives_the_text_back(value: object, indent: int | None) -> None:
    text = json.dumps({"value": value}, indent=indent, ensure_ascii=False)
    for how, whole in written(text).items():
        if indent and how == "single":
            continue  # a line break would be folded
        document = Document("t.yaml", whole)
        found = inner_text(document, value_of(document).span)
        assert found is not None, how
        assert found.inner.text.rstrip("\n") == text, how


@given(VALUES)
def test_every_plain_text_stands_where_it_is_said_to(value: object) -> None:
    text = json.dumps({"value": value}, indent=1, ensure_ascii=False)
    document = Document("t.yaml", block(text))
    found = places(document, value_of(document).span)
    assert found is not None
    for node in every(found):
        if isinstance(node.content, str):
            shown = document.line(node.span.line)[node.span.column - 1 : node.span.end_column - 1]
            assert json.loads(shown) == node.content


def every(node: Node) -> list[Node]:
    content = node.content
    below: list[Node] = []
    if isinstance(content, Entries):
        below = list(content.nodes.values())
    elif isinstance(content, Items):
        below = list(content.nodes)
    return [node, *(one for inner in below for one in every(inner))]


@pytest.mark.parametrize(
    "text",
    ["K: plain\n", "K: [a]\n", "K: 7\n", "K:\n", "K: &a |\n  {}\n", 'K: "never closed', "K: |\n"],
)
def test_what_cannot_be_followed_has_no_places(text: str) -> None:
    document = Document("t.yaml", text)
    try:
        node = value_of(document)
    except MlguardError:  # no YAML at all: there is no place to ask for
        return
    assert places(document, node.span) is None
