"""YAML in, nodes with places out; nothing is constructed, everything is bounded."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mlguard.errors import LimitError, ParseError
from mlguard.parse.markup import load_markup, plain
from mlguard.parse.yaml_document import MAX_DEPTH, MAX_DOCUMENTS, load_yaml
from mlguard.source import Document
from mlguard.value import Entries, Items, Node


def read(text: str) -> Any:  # noqa: ANN401  (whatever the text holds)
    return plain(load_yaml(Document("t.yaml", text))[0])


def at(node: Node, *path: str | int) -> Node:
    for step in path:
        if isinstance(step, str):
            assert isinstance(node.content, Entries)
            node = node.content.nodes[step]
        else:
            assert isinstance(node.content, Items)
            node = node.content.nodes[step]
    return node


def place(node: Node) -> tuple[int, int, int, int]:
    return (node.span.line, node.span.column, node.span.end_line, node.span.end_column)


def key(node: Node) -> tuple[int, int, int, int]:
    assert node.key_span is not None
    span = node.key_span
    return (span.line, span.column, span.end_line, span.end_column)


TEXT = """\
Resources:
  Nb: # a comment
    Type: "AWS::X"
    List:
      - one
      - {a: 世界, b: [1, 2]}
    Text: |
      first
      second
    End: x
"""


def test_every_key_and_value_has_its_place() -> None:
    node = load_yaml(Document("t.yaml", TEXT))[0]
    assert key(at(node, "Resources")) == (1, 1, 1, 10)
    assert key(at(node, "Resources", "Nb")) == (2, 3, 2, 5)
    assert place(at(node, "Resources", "Nb", "Type")) == (3, 11, 3, 19)
    assert key(at(node, "Resources", "Nb", "Type")) == (3, 5, 3, 9)
    assert place(at(node, "Resources", "Nb", "List", 0)) == (5, 9, 5, 12)
    assert place(at(node, "Resources", "Nb", "List", 1, "a")) == (6, 13, 6, 15)
    assert key(at(node, "Resources", "Nb", "List", 1, "b")) == (6, 17, 6, 18)
    assert place(at(node, "Resources", "Nb", "List", 1, "b", 1)) == (6, 24, 6, 25)
    assert place(at(node, "Resources", "Nb", "Text"))[:2] == (7, 11)
    assert key(at(node, "Resources", "Nb", "End")) == (10, 5, 10, 8)


@pytest.mark.parametrize("mark", ["\u2028", "\x85", "\u2029"])
def test_what_only_yaml_takes_for_a_line_break_moves_no_place(mark: str) -> None:
    node = load_yaml(Document("t.yaml", f"a: 'x{mark} y'\nb: \U0001f600\nc: d\n"))[0]
    assert key(at(node, "c")) == (3, 1, 3, 2)
    assert place(at(node, "b")) == (2, 4, 2, 5)


def test_a_place_of_a_refusal_counts_the_lines_that_editors_count() -> None:
    with pytest.raises(ParseError) as caught:
        load_yaml(Document("t.yaml", "a: 'x\u2028 y'\nb: [1\nc: d\n"))
    assert caught.value.line == 3


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("!Ref X", {"Ref": "X"}),
        ("!Condition X", {"Condition": "X"}),
        ("!GetAtt A.B.C", {"Fn::GetAtt": ["A", "B.C"]}),
        ("!GetAtt [A, B]", {"Fn::GetAtt": ["A", "B"]}),
        ("!Sub 'a ${B}'", {"Fn::Sub": "a ${B}"}),
        ("!If [C, !Ref A, !Ref 'AWS::NoValue']", {"Fn::If": ["C", {"Ref": "A"}, {"Ref": "AWS::NoValue"}]}),
        ("!Select [0, !Split [',', x]]", {"Fn::Select": [0, {"Fn::Split": [",", "x"]}]}),
        ("!Base64\n  Fn::Sub: x", {"Fn::Base64": {"Fn::Sub": "x"}}),
        ("! 5", "5"),
        ("!!str 5", "5"),
    ],
)
def test_short_forms_become_long_ones(written: str, wanted: object) -> None:
    assert read(f"v: {written}\n")["v"] == wanted


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("2010-09-09", "2010-09-09"),
        ("012", "012"),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("190:20:30", "190:20:30"),
        ("123456789012", 123456789012),
        ("1_000", 1000),
        ("1.50", 1.5),
        (".5", 0.5),
        ("1e3", "1e3"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("9" * 60, "9" * 60),
        ("yes", True),
        ("Off", False),
        ("~", None),
        ("", None),
        ("'yes'", "yes"),
        ('"12"', "12"),
        ("-", ["x"]),
        ("+", "+"),
        ("=", "="),
        ("yEs", "yEs"),
    ],
)
def test_scalars(written: str, wanted: object) -> None:
    if written == "-":
        assert read("v:\n- x\n")["v"] == wanted
        return
    found = read(f"v: {written}\n")["v"]
    assert found == wanted
    assert type(found) is type(wanted)


@pytest.mark.parametrize(
    ("text", "line", "first"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 1),
        ("x:\n  a: 1\n  b: {c: 1,\n    c: 2}\n", 4, 3),
        ("a: 1\n'a': 2\n", 2, 1),
        ("&k a: 1\n*k : 2\n", 2, 1),
        ("k: &k a\na: 1\n*k : 2\n", 3, 2),
    ],
)
def test_a_duplicate_key_is_refused_with_both_lines(text: str, line: int, first: int) -> None:
    with pytest.raises(ParseError, match=rf"given twice \(first at line {first}\)") as caught:
        load_yaml(Document("t.yaml", text))
    assert caught.value.line == line


def test_merge_keys_and_aliases() -> None:
    text = "base: &b {x: 1, y: 2}\nother: &o {y: 3, z: 4}\none: {<<: *b, y: 9}\ntwo: {y: 8, <<: [*b, *o]}\nthree: *b\n"
    found = read(text)
    assert found["one"] == {"x": 1, "y": 9}
    assert found["two"] == {"x": 1, "y": 8, "z": 4}
    assert found["three"] == {"x": 1, "y": 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &a [*a]\n", "stands inside of what it names"),
        ("a: &a {b: *a}\n", "stands inside of what it names"),
        ("a: *nowhere\n", "no anchor &'nowhere'"),
        ("a: &a x\n---\nb: *a\n", "no anchor &'a'"),
        ("<<: x\n", "<< needs a mapping"),
        ("? [a, b]\n: c\n", "a key must be a plain text"),
        ("? {a: b}\n: c\n", "a key must be a plain text"),
        ("a: !!python/object/apply:os.system [id]\n", "is not allowed"),
        ("a: !<tag:example.com,2000:x> b\n", "is not allowed"),
        ("a: [1, 2\n", "not valid YAML"),
        ("\ta: 1\n", "not valid YAML"),
        ("a: '\ud800'\n", "surrogate"),
        ("a: \x1b[2J\n", "not valid YAML"),
    ],
)
def test_what_is_wrong_is_refused_with_a_line(text: str, message: str) -> None:
    with pytest.raises(ParseError, match=message) as caught:
        load_yaml(Document("t.yaml", text))
    assert caught.value.path == "t.yaml"


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_depth_is_bounded_and_what_is_below_the_bound_is_read(opening: str) -> None:
    def nested(depth: int) -> str:
        if opening == "- ":
            return opening * depth + "x\n"
        return opening * depth + "1" + ("]" if opening == "[" else "}") * depth

    assert load_yaml(Document("t.yaml", nested(MAX_DEPTH)))
    with pytest.raises(LimitError, match="nested deeper than 200 levels"):
        load_yaml(Document("t.yaml", nested(MAX_DEPTH + 1)))
    with pytest.raises(LimitError, match="nested deeper"):
        load_yaml(Document("t.yaml", opening * 50_000))


def test_bombs_of_aliases_and_merges_are_refused() -> None:
    laughs = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    with pytest.raises(LimitError, match="aliases written out"):
        load_yaml(Document("t.yaml", laughs))
    keys = ", ".join(f"k{n}: {{<<: *m%d}}" for n in range(9))
    merges = "m0: &m0 {a: 1, b: 2}\n" + "".join(
        f"m{n}: &m{n} {{{keys.replace('%d', str(n - 1))}}}\n" for n in range(1, 30)
    )
    with pytest.raises(LimitError, match="aliases written out"):
        load_yaml(Document("t.yaml", merges))


def test_the_number_of_documents_is_bounded() -> None:
    assert len(load_yaml(Document("t.yaml", "--- a\n" * MAX_DOCUMENTS))) == MAX_DOCUMENTS
    with pytest.raises(LimitError, match="more than 100 documents"):
        load_yaml(Document("t.yaml", "--- a\n" * (MAX_DOCUMENTS + 1)))


def test_an_empty_text_holds_no_document() -> None:
    assert load_yaml(Document("t.yaml", "")) == []
    assert load_yaml(Document("t.yaml", "# only a comment\n")) == []


_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.text(alphabet=st.characters(max_codepoint=0xD7FF, exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=12)
)
_KEYS = st.text(alphabet="abcXYZ_:- é", min_size=1, max_size=6).filter(lambda text: text != "<<")
_DATA = st.recursive(
    _SCALARS,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(_KEYS, below, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.dictionaries(_KEYS, _DATA, max_size=4))
def test_plain_data_survives_a_round_trip_through_yaml(data: dict[str, object]) -> None:
    written = yaml.safe_dump(data, allow_unicode=True)
    assert read(written) == data


@settings(deadline=None)
@given(st.dictionaries(_KEYS, _DATA, max_size=4), st.sampled_from([None, 2]))
def test_json_is_read_alike_as_json_and_as_yaml(data: dict[str, object], indent: int | None) -> None:
    written = json.dumps(data, indent=indent, ensure_ascii=False)
    document = Document("t.json", written)
    as_json, as_yaml = load_markup(document)[0], load_yaml(document)[0]
    assert plain(as_json) == data
    assert plain(as_yaml) == data
    assert as_json == as_yaml  # the places, too


@settings(deadline=None)
@given(st.text(alphabet="ab:- \n\t[]{},&*!|>'\"#%?<\x85\r", max_size=60))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    refusal: ParseError | LimitError | None = None
    try:
        load_markup(Document("t.yaml", text))
    except (ParseError, LimitError) as error:
        refusal = error
    assert refusal is None or (refusal.message and refusal.path == "t.yaml")
