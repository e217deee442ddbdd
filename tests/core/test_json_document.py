"""JSON in, nodes with places out; what is no JSON is refused with its line and column."""

from __future__ import annotations

import pytest

from mlguard.errors import LimitError, ParseError
from mlguard.parse.json_document import load_json
from mlguard.parse.markup import load_markup, plain
from mlguard.source import Document, Span
from mlguard.value import Entries, Items

TEXT = '{\n  "a": {"b": [1, -2.5, "世\\u754c"]},\n  "c" : null\n}\n'


def test_every_key_and_value_has_its_place() -> None:
    node = load_json(Document("t.json", TEXT))
    assert isinstance(node.content, Entries)
    assert node.span == Span("t.json", 1, 1, 4, 2)
    inner = node.content.nodes["a"]
    assert inner.key_span == Span("t.json", 2, 3, 2, 6)
    assert isinstance(inner.content, Entries)
    listed = inner.content.nodes["b"]
    assert isinstance(listed.content, Items)
    assert [item.span.column for item in listed.content.nodes] == [15, 18, 24]
    assert listed.content.nodes[2].content == "世界"
    assert node.content.nodes["c"].key_span == Span("t.json", 3, 3, 3, 6)
    assert node.content.nodes["c"].span == Span("t.json", 3, 9, 3, 13)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ('{"a": 1,}', 1, 9),
        ('{"a" 1}', 1, 6),
        ('{"a": 1\n"b": 2}', 2, 1),
        ("{'a': 1}", 1, 2),
        ('{"a": NaN}', 1, 7),
        ('{"a": Infinity}', 1, 7),
        ('{"a": 01}', 1, 8),
        ('{"a": "x\ny"}', 1, 9),
        ('{"a": 1} x', 1, 10),
        ('{"a": 1}{"b": 2}', 1, 9),
        ('{"a": ', 1, 7),
        ("", 1, 1),
        ('{"a": "\\x"}', 1, 8),
        ('{"a": // no\n 1}', 1, 7),
    ],
)
def test_what_is_no_json_is_refused_with_its_place(text: str, line: int, column: int) -> None:
    with pytest.raises(ParseError, match="not valid JSON") as caught:
        load_json(Document("t.json", text))
    assert (caught.value.path, caught.value.line, caught.value.column) == ("t.json", line, column)


def test_a_duplicate_key_is_refused_with_both_lines() -> None:
    with pytest.raises(ParseError, match=r"'a' is given twice \(first at line 2\)") as caught:
        load_json(Document("t.json", '{\n"a": 1,\n"b": 2,\n"a": 3}'))
    assert caught.value.line == 4


def test_a_duplicate_key_is_not_forgiven_by_a_second_try_as_yaml() -> None:
    with pytest.raises(ParseError, match="given twice"):
        load_markup(Document("t.json", '{"a": 1, "a": 2}'))


def test_depth_is_bounded() -> None:
    assert load_json(Document("t.json", "[" * 200 + "]" * 200))
    for depth in (201, 100_000):
        with pytest.raises(LimitError, match="nested deeper than 200 levels"):
            load_json(Document("t.json", '{"a": ' + "[" * depth))


def test_a_number_of_absurd_length_stays_text() -> None:
    written = "9" * 5000
    assert plain(load_json(Document("t.json", f'{{"a": {written}}}'))) == {"a": written}


def test_a_flow_mapping_that_is_no_json_is_read_as_yaml() -> None:
    assert plain(load_markup(Document("t.yaml", "{a: 1, b: [x]}"))[0]) == {"a": 1, "b": ["x"]}
