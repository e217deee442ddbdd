"""The scanner and the fast path of the grammar, held against python-hcl2's own parse of the same text."""

from __future__ import annotations

import json
import runpy
from collections.abc import Iterator
from pathlib import Path

import hcl2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lark import Token, Tree, UnexpectedInput

from mlguard.parse.terraform.grammar import TABLE, Grammar, TextError
from mlguard.parse.terraform.reader import read_block, read_expression
from mlguard.parse.terraform.scanner import blanked, scan
from mlguard.parse.terraform.syntax import Argument, Block, Literal, Name
from mlguard.record import field_names
from mlguard.source import Document

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
FILES = sorted(
    path
    for path in FIXTURES.rglob("*")
    if path.suffix in {".tf", ".tofu", ".tfvars"} and ".terraform" not in path.parts
)
GRAMMARS = {"fast": Grammar(), "public": Grammar(fast=False)}

# What python-hcl2 8.1 reads wrongly or not at all, so that it cannot be the measure: the text, and its blocks with the
# names of their arguments.
FAULTS = {
    "a heredoc whose end is followed by blanks": ('a "b" {\n  x = <<EOT\nt\nEOT  \n}\n', [("a", ["x"])]),
    "such a heredoc, and another with the same mark": (
        'a "b" {\n  x = <<E\nt\nE \n}\nc "d" {\n  x = <<E\nu\nE\n}\n',
        [("a", ["x"]), ("c", ["x"])],
    ),
    "a line end inside of an interpolation": ('a "b" {\n  x = "${\n    1\n  }"\n}\n', [("a", ["x"])]),
    "an escaped interpolation that is not closed": (
        'a "b" {\n  x = "$${y"\n  z = "}"\n}\n',
        [("a", ["x", "z"])],
    ),
    "a comment before the value": ('a "b" {\n  x = /* y */ 1\n}\n', [("a", ["x"])]),
}


def own_blocks(text: str) -> list[tuple[str, ...]]:
    """Give the header and the text of each block that the scanner finds."""
    scanned = scan(Document("main.tf", text))
    assert scanned.problems == []
    return [(block.type, *block.labels, block.text) for block in scanned.blocks]


def hcl2_blocks(text: str) -> list[tuple[str, ...]]:
    """Give the header and the text of each block at the top, as python-hcl2 parses the whole file."""
    tree = hcl2.parses_to_tree(text + "\n")
    return [tuple(_block(node, text)) for body in tree.find_data("body") for node in _top(tree, body)]


def _top(tree: Tree[Token], body: Tree[Token]) -> Iterator[Tree[Token]]:
    if any(body is child for child in tree.children):
        yield from (node for node in body.children if isinstance(node, Tree) and node.data == "block")


def _block(node: Tree[Token], text: str) -> Iterator[str]:
    for part in node.children:
        if isinstance(part, Tree) and part.data in {"identifier", "keyword", "string"}:
            yield text[part.meta.start_pos : part.meta.end_pos].strip('"')
    yield text[node.meta.start_pos : node.meta.end_pos]


def hcl2_arguments(text: str) -> list[tuple[str, list[str]]]:
    """Give the type of each block and the names of its arguments as python-hcl2 reads them; none where it does not."""
    try:
        tree = hcl2.parses_to_tree(text)
    except UnexpectedInput:
        return []
    return [
        (next(_block(node, text)), [str(named.children[0].children[0]) for named in node.find_data("attribute")])
        for node in tree.find_data("block")
    ]


def trees(document: Document) -> list[object]:
    """Parse every block of a file by both paths of the grammar; what one refuses, the other must refuse too."""
    given: list[object] = []
    for grammar in GRAMMARS.values():
        grammar.builder.document, grammar.builder.template = document, lambda _: None
        found: list[object] = []
        for block in scan(document).blocks:
            grammar.builder.base = block.start
            try:
                found.append(grammar.parse(blanked(document.text, block.start, block.end, block.edits)))
            except TextError as error:
                found.append((error.message, error.offset))
        given.append(found)
    return given


def nodes(part: object) -> Iterator[object]:
    """Give every node below an element of the syntax tree that has a place in the file."""
    if isinstance(part, list | tuple):
        for item in part:
            yield from nodes(item)
    elif isinstance(part, dict):
        yield from nodes(list(part.values()))
    elif field_names(type(part)) and not isinstance(part, Document):
        yield part
        for name in field_names(type(part)):
            yield from nodes(getattr(part, name))


def shape(part: object, base: int) -> object:
    """Give an element without its document, its offsets counted from `base`."""
    if isinstance(part, list | tuple):
        return [shape(item, base) for item in part]
    if isinstance(part, dict):
        return {key: shape(value, base) for key, value in part.items()}
    names = field_names(type(part))
    if not names:
        return part
    offsets = {"start", "end", "header_end"}
    parts = {name: getattr(part, name) for name in names if name != "document"}
    return type(part), {key: value - base if key in offsets else shape(value, base) for key, value in parts.items()}


def assert_reparses(document: Document) -> None:
    """Parse the text of each expression again, by itself: it must give the same tree."""
    for scanned in scan(document).blocks:
        for part in nodes(read_block(scanned)):
            if isinstance(part, Argument):
                value = part.value
                again = read_expression(document, value.start, value.end)
                assert shape(again, 0) == shape(value, 0), document.text[value.start : value.end]
            if isinstance(part, Literal | Name) and "\n" not in document.text[part.start : part.end]:
                alone = Document(document.path, document.text[part.start : part.end])
                assert shape(read_expression(alone, 0, len(alone.text)), 0) == shape(part, part.start)


@pytest.mark.parametrize("path", FILES, ids=[path.relative_to(FIXTURES).as_posix() for path in FILES])
def test_fixtures(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    document = Document("main.tf", text)
    if path.suffix != ".tfvars":
        assert own_blocks(text) == hcl2_blocks(text)
        assert_reparses(document)
    fast, public = trees(document)
    assert fast == public


@pytest.mark.parametrize(("text", "expected"), FAULTS.values(), ids=FAULTS)
def test_what_python_hcl2_reads_wrongly(text: str, expected: list[tuple[str, list[str]]]) -> None:
    blocks_read = [read_block(block) for block in scan(Document("main.tf", text)).blocks]
    assert [(block.type, list(block.arguments)) for block in blocks_read] == expected
    assert hcl2_arguments(text) != expected, "python-hcl2 reads this now: move it to the generated programs"


NAMES = st.sampled_from(["a", "instance_type", "_x", "count-of", "for_each", "in", "null_value", "tags", "b2"])
WORDS = st.sampled_from(
    ["", "x", "a b", "# no", "// no", "/* no", "{", "}", "größe", "日本", "$", "%", "$x", '\\"', "\\n"]
)
NUMBERS = st.sampled_from(["0", "1", "42", "1.5", "1e3", "-7"])
HEREDOC_LINES = st.sampled_from(
    [
        "text",
        "",
        "  indented",
        "# no comment",
        "}",
        "${var.a}",
        '${ f("x") }',
        "%{ if true }x%{ endif }",
        "%{ for x in l ~}\nx\n%{ endfor }",
        "$${x}",
        'a "b" {',
        "EO",
    ]
)


@st.composite
def strings(draw: st.DrawFn, inner: st.SearchStrategy[str]) -> str:
    """Write a text in quotes: words, escapes, interpolations, directives."""
    parts = draw(
        st.lists(st.one_of(WORDS, inner.map("${{{}}}".format), st.just("$${y}"), st.just("%%{z}")), max_size=4)
    )
    return '"' + "".join(parts) + '"'


def expressions() -> st.SearchStrategy[str]:
    """Write an expression on one line, nested."""
    leaves = st.one_of(
        NUMBERS,
        WORDS.map('"{}"'.format),
        st.sampled_from(["true", "null", "var.a", "local.b.c", "var.l[0]", "var.l[*].id", "var.l.*.id", "each.key"]),
    )

    def deeper(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.one_of(
            strings(inner),
            st.lists(inner, max_size=3).map(lambda parts: f"[{', '.join(parts)}]"),
            st.lists(inner, max_size=3).map(lambda parts: f"f({', '.join(parts)})"),
            st.tuples(NAMES, inner).map("{{ {0[0]} = {0[1]} }}".format),
            st.tuples(inner, inner).map("{{ ({0[0]}) : {0[1]} }}".format),
            st.tuples(inner, inner, inner).map("({0[0]} ? {0[1]} : {0[2]})".format),
            st.tuples(inner, st.sampled_from(["+", "-", "==", "&&", "||", "<", "%"]), inner)
            .map(" ".join)
            .map("({})".format),
            st.tuples(inner, inner).map('[for k, v in {0[0]} : "${{k}}" if {0[1]} != null]'.format),
            st.tuples(inner, inner).map("{{ for k, v in {0[0]} : k => {0[1]}... }}".format),
            inner.map("!({})".format),
        )

    return st.recursive(leaves, deeper, max_leaves=8)


@st.composite
def heredocs(draw: st.DrawFn) -> str:
    """Write a heredoc of either kind."""
    lines = draw(st.lists(HEREDOC_LINES, max_size=4))
    opening, indent = draw(st.sampled_from([("<<", ""), ("<<-", ""), ("<<-", "    ")]))
    return "".join([f"{opening}EOT\n", *(f"{indent}{line}\n" for line in lines), f"{indent}EOT"])


TRIVIA = st.sampled_from(["", " ", "  # c }", " // c {", ' /* c " */', "\t"])
BETWEEN = st.sampled_from(["", "\n", "# c {\n", "// c\n\n", "/* c\n} */\n", "   \n", "\t\n"])


@st.composite
def bodies(draw: st.DrawFn, depth: int) -> str:
    """Write the lines of a block: arguments, comments, blocks."""
    lines = []
    for _ in range(draw(st.integers(0, 3))):
        lines.append(draw(BETWEEN))
        kind = draw(st.integers(0, 3 if depth else 2))
        if kind == 0:
            lines.append(f"  {draw(NAMES)} = {draw(heredocs())}\n")
        elif kind == 3:
            lines.append(draw(blocks(depth - 1)))
        else:
            lines.append(
                f"  {draw(NAMES)}{draw(st.sampled_from([' = ', '=', '  =  ']))}{draw(expressions())}{draw(TRIVIA)}\n"
            )
    return "".join(lines)


@st.composite
def blocks(draw: st.DrawFn, depth: int) -> str:
    """Write a block with odd and ordinary labels."""
    labels = draw(st.sampled_from(["", ' "a"', ' "aws_x" "y-1"', ' "größe"', ' "a b"', " bare", ' "" ""']))
    inner = draw(bodies(depth))
    return (
        f"{draw(st.sampled_from(['resource', 'dynamic', 'x-1']))}{labels} {{{draw(TRIVIA)}\n{inner}}}{draw(TRIVIA)}\n"
    )


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Write a file, with line ends of either kind."""
    text = "".join(draw(st.lists(st.one_of(blocks(2), BETWEEN), max_size=4)))
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


@settings(max_examples=60, deadline=None)
@given(programs())
def test_the_scanner_finds_the_blocks_that_python_hcl2_finds(text: str) -> None:
    assert own_blocks(text) == hcl2_blocks(text)


@settings(max_examples=60, deadline=None)
@given(programs())
def test_both_paths_of_the_grammar_give_one_tree(text: str) -> None:
    fast, public = trees(Document("main.tf", text))
    assert fast == public


@settings(max_examples=60, deadline=None)
@given(programs())
def test_the_text_of_a_node_parses_to_the_node(text: str) -> None:
    assert_reparses(Document("main.tf", text))


def test_the_table_is_that_of_the_installed_python_hcl2() -> None:
    made = runpy.run_path(str(FIXTURES.parent / "benchmarks" / "build_grammar.py"))["table"]()
    assert json.loads(TABLE.read_text(encoding="utf-8")) == made, "run benchmarks/build_grammar.py"


def test_another_python_hcl2_than_the_table_was_made_of_is_asked_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "grammar.json"
    other.write_text('{"fingerprint": "of another version"}', encoding="utf-8")
    monkeypatch.setattr("mlguard.parse.terraform.grammar.TABLE", other)
    assert isinstance(Grammar().parse('a "b" {\n  c = 1\n}\n')[0], Block)


@pytest.mark.parametrize(
    "text", ["a = ", "a = 1 2", 'a "b" {', "a = [1, }", "a = ?", "a = 1 ?\n", "a = \\", "%", "a = -\n", "{"]
)
def test_both_paths_refuse_alike(text: str) -> None:
    refused = []
    for grammar in GRAMMARS.values():
        with pytest.raises(TextError) as error:
            grammar.parse(text)
        refused.append((error.value.message, error.value.offset))
    assert refused[0] == refused[1]
