"""The loaders against independent ones: PyYAML's composed nodes and the standard library's JSON, value by value."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mlguard.errors import MlguardError
from mlguard.parse.json_document import load_json
from mlguard.parse.markup import load_markup, plain
from mlguard.parse.yaml_document import load_yaml
from mlguard.source import Document
from mlguard.value import Entries, Items, Node

TOP = Path(__file__).parents[2]
YAML_FILES = sorted(
    path for folder in ("fixtures", "policies", ".github") for path in (TOP / folder).rglob("*.y*ml") if path.is_file()
)
JSON_FILES = sorted(path for path in (TOP / "fixtures").rglob("*.json") if path.is_file())
_DEFAULT = "tag:yaml.org,2002:"


def named(path: Path) -> str:
    return path.relative_to(TOP).as_posix()


def test_there_is_something_to_compare() -> None:
    assert any("cloudformation" in path.parts for path in YAML_FILES)
    assert any(path.name.endswith(".template.json") for path in JSON_FILES)


def scalar(node: yaml.ScalarNode) -> object:
    """Read a scalar as YAML 1.1 says, except that numbers are decimal and everything else stays as written."""
    if node.style is not None or not node.tag.startswith(_DEFAULT):
        return node.value
    kind = node.tag.removeprefix(_DEFAULT)
    if kind == "null":
        return None
    if kind == "bool":
        return node.value.lower() in ("yes", "true", "on")
    digits = node.value.lstrip("+-").replace("_", "")
    if kind == "int" and digits.isdecimal() and (digits == "0" or digits[0] != "0"):
        return int(node.value.replace("_", ""))
    if kind == "float" and "n" not in node.value.lower() and ":" not in node.value:
        return float(node.value.replace("_", ""))
    return node.value


def place(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


Walked = tuple[tuple[object, ...], object, tuple[int, int]]


def composed(node: yaml.Node, path: tuple[object, ...]) -> Iterator[Walked]:
    """Give path, value and place of everything below PyYAML's node, short forms written out."""
    if node.tag.startswith("!") and node.tag != "!":
        name = node.tag[1:]
        path = (*path, name if name in ("Ref", "Condition") else f"Fn::{name}")
        if name == "GetAtt" and isinstance(node, yaml.ScalarNode):
            for index, part in enumerate(node.value.split(".", 1)):
                yield (*path, index), part, place(node)
            return
    if isinstance(node, yaml.MappingNode):
        yield path, dict, place(node)
        for key, value in node.value:
            yield (*path, key.value, "key"), key.value, place(key)
            yield from composed(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        yield path, list, place(node)
        for index, item in enumerate(node.value):
            yield from composed(item, (*path, index))
    elif isinstance(node, yaml.ScalarNode):
        yield path, scalar(node), place(node)


def walked(node: Node, path: tuple[object, ...]) -> Iterator[Walked]:
    """Give path, value and place of everything below a node of ours."""
    at = node.span.line, node.span.column
    content = node.content
    if isinstance(content, Entries):
        only = next(iter(content.nodes.items())) if len(content.nodes) == 1 else None
        if only is not None and only[1].key_span == node.span:  # a short form has no place of its own
            yield from walked(only[1], (*path, only[0]))
            return
        yield path, dict, at
        for key, value in content.nodes.items():
            assert value.key_span is not None
            yield (*path, key, "key"), key, (value.key_span.line, value.key_span.column)
            yield from walked(value, (*path, key))
    elif isinstance(content, Items):
        if path[-1:] != ("Fn::GetAtt",) or content.nodes[0].span != node.span:
            yield path, list, at
        for index, item in enumerate(content.nodes):
            yield from walked(item, (*path, index))
    else:
        yield path, content, at


@pytest.mark.parametrize("path", YAML_FILES, ids=named)
def test_yaml_is_read_as_pyyaml_composes_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    ours = load_yaml(Document(named(path), text))
    theirs = [node for node in yaml.compose_all(text, Loader=yaml.SafeLoader) if node is not None]
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert list(walked(one, ())) == list(composed(other, ()))


def checked(node: Node, document: Document) -> object:
    """Give the plain value of a node, and check that its span holds the very text of it."""
    starts = document.line_starts()
    span = node.span
    text = document.text[starts[span.line - 1] + span.column - 1 : starts[span.end_line - 1] + span.end_column - 1]
    assert json.loads(text) == plain(node)
    if isinstance(node.content, Entries):
        for key, value in node.content.nodes.items():
            at = value.key_span
            assert at is not None
            assert json.loads(document.line(at.line)[at.column - 1 : at.end_column - 1]) == key
            checked(value, document)
    if isinstance(node.content, Items):
        for item in node.content.nodes:
            checked(item, document)
    return plain(node)


@pytest.mark.parametrize("path", JSON_FILES, ids=named)
def test_json_is_read_as_the_standard_library_reads_it(path: Path) -> None:
    document = Document(named(path), path.read_text(encoding="utf-8"))
    node = load_json(document)
    if len(document.text) < 100_000:
        assert checked(node, document) == json.loads(document.text)
    else:
        assert plain(node) == json.loads(document.text)


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("0777", "0777"),
        ("0b101", "0b101"),
        ("1:30", "1:30"),
        ("-1:30:00", "-1:30:00"),
        ("2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"),
        ("2024-01-01 10:00", "2024-01-01 10:00"),
        ("012345678901", "012345678901"),
        ("+12", 12),
        ("-0", 0),
        ("1.0", 1.0),
        ("1.5e+3", 1500.0),
        ("6.8523015e+5", 685230.15),
        ("1.2.3", "1.2.3"),
        ("NULL", None),
        ("nULL", "nULL"),
        ("TRUE", True),
        ("y", "y"),
        ("N", "N"),
        ("ON", True),
        ("-.INF", "-.INF"),
        ("!!binary aGk=", "aGk="),
        ("!!int '5'", "5"),
        ("!!null x", "x"),
        ("!!set {a, b}", {"a": None, "b": None}),
        ('"\\x41\\u263a\\U0001f600\\t"', "A☺\U0001f600\t"),
        ("'it''s'", "it's"),
        ("a\tb", "a\tb"),
        ("a # comment", "a"),
        ("a#b", "a#b"),
        ("http://x:80/y?z#f", "http://x:80/y?z#f"),
        ("|\n  one\n  two\n", "one\ntwo\n"),
        ("|-\n  one\n  two\n", "one\ntwo"),
        ("|+\n  one\n", "one\n\n"),
        (">\n  one\n  two\n\n  three\n", "one two\nthree\n"),
        (">-\n  one\n  two\n", "one two"),
        (">+\n  one\n", "one\n\n"),
        ("|2\n    indented\n", "  indented\n"),
        ("!Sub |\n  a ${B}\n  c\n", {"Fn::Sub": "a ${B}\nc\n"}),
        ("!Sub >-\n  a\n  ${B}\n", {"Fn::Sub": "a ${B}"}),
        ("!Join ['', [!Ref A, {Ref: C}]]", {"Fn::Join": ["", [{"Ref": "A"}, {"Ref": "C"}]]}),
        ("[!GetAtt A.B, !GetAZs '']", [{"Fn::GetAtt": ["A", "B"]}, {"Fn::GetAZs": ""}]),
        ("!GetAtt A.B.C", {"Fn::GetAtt": ["A", "B.C"]}),
        ("!GetAtt A", {"Fn::GetAtt": ["A"]}),
        ("!If [A, !Ref B, !If [C, 1, 2]]", {"Fn::If": ["A", {"Ref": "B"}, {"Fn::If": ["C", 1, 2]}]}),
        ("!FindInMap\n  - M\n  - !Ref 'AWS::Region'\n  - k", {"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "k"]}),
        ("!Select [0, !GetAZs {Ref: 'AWS::Region'}]", {"Fn::Select": [0, {"Fn::GetAZs": {"Ref": "AWS::Region"}}]}),
        ("!Equals [yes, 'yes']", {"Fn::Equals": [True, "yes"]}),
        ("!Ref 012", {"Ref": "012"}),
        ("!Ref 12", {"Ref": "12"}),
        ("!Rain::Module x", {"Fn::Rain::Module": "x"}),
        ("{!Ref A : b}", {"A": "b"}),
        ("{'quoted key': 1, \"other\": 2}", {"quoted key": 1, "other": 2}),
        ("{yes: 1, 012: 2, 2024-01-01: 3, ~: 4, 1.50: 5}", {"yes": 1, "012": 2, "2024-01-01": 3, "~": 4, "1.50": 5}),
        ("{'<<': 1, <: 2}", {"<<": 1, "<": 2}),
        ("{? a : b}", {"a": "b"}),
        ("x" * 100_000, "x" * 100_000),
    ],
)  # fmt: skip
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_tricky_values(written: str, wanted: object, newline: str) -> None:
    found = plain(load_yaml(Document("t.yaml", f"v: {written}\n".replace("\n", newline)))[0])
    assert isinstance(found, dict)
    assert found["v"] == wanted
    assert repr(found["v"]) == repr(wanted)


def test_json_takes_no_key_for_a_merge() -> None:
    text = '{"<<": {"a": 1}, "b": 2}'
    assert plain(load_markup(Document("t.json", text))[0]) == json.loads(text)
    assert plain(load_yaml(Document("t.json", text))[0]) == json.loads(text)


@pytest.mark.parametrize("opening", ["[", "{a: ", '{"a": [', "- ", "!Sub [", "? "])
@pytest.mark.parametrize("name", ["t.yaml", "t.json"])
def test_the_process_survives_200000_nested_brackets(tmp_path: Path, opening: str, name: str) -> None:
    """Another process: a parser that recurses takes its process down."""
    text = ("AWSTemplateFormatVersion: x\nv: " if name == "t.yaml" else "") + opening * 200_000
    (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "good.yaml").write_text("Resources: {B: {Type: 'AWS::S3::Bucket'}}\n", encoding="utf-8")
    program = (
        "import sys\nfrom mlguard.errors import LimitError, ParseError\nfrom mlguard.parse.markup import load_markup\n"
        "from mlguard.source import Document\n"
        "try:\n    load_markup(Document('t', open(sys.argv[1], encoding='utf-8').read()))\n"
        "except (LimitError, ParseError) as error:\n    print(error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / name)], capture_output=True, text=True, timeout=120, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("t:")


_SEED = """\
AWSTemplateFormatVersion: '2010-09-09'
Parameters: {P: {Type: String, Default: &d 'x', AllowedValues: [*d, y]}}
Conditions:
  C: !Equals [!Ref P, x]
Resources:
  B:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: !If [C, !Sub '${P}-b', !Ref 'AWS::NoValue']
      Tags: [{Key: a, Value: "b"}]
      Note: |
        text
"""
_JUNK = st.sampled_from(
    [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "&a",
        "*a",
        "!",
        "'",
        '"',
        "\n",
        "  ",
        "- ",
        "|",
        ">",
        "#",
        "%",
        "?",
        "\t",
        "\r",
        "<<",
        "\x85",
        "é",
    ]
)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(st.integers(0, len(_SEED)), st.integers(0, 6), _JUNK), min_size=1, max_size=5), st.booleans())
def test_a_damaged_template_is_read_or_refused_in_words(cuts: list[tuple[int, int, str]], as_json: bool) -> None:  # noqa: FBT001
    text = json.dumps(plain(load_yaml(Document("t", _SEED))[0]), indent=1) if as_json else _SEED
    for start, length, junk in cuts:
        text = text[:start] + junk + text[start + length :]
    refusal: MlguardError | None = None
    try:
        for node in load_markup(Document("t.yaml", text)):
            plain(node)
    except MlguardError as error:
        refusal = error
    assert refusal is None or (refusal.message and refusal.path == "t.yaml" and refusal.line > 0)
