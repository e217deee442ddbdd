"""Blocks are found, and texts blanked, without the grammar."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlguard.parse.terraform.grammar import Grammar
from mlguard.parse.terraform.reader import read_block
from mlguard.parse.terraform.scanner import blanked, scan
from mlguard.source import Document

CONSTRUCTS = """resource "a" "b" {
  list   = [for k, v in var.m : "${k}-${v}" if v != null]
  object = { for k, v in var.m : v.name => k... if k != "" }
  splat  = var.l[*].x[0].y
  legacy = var.l.*.id
  short  = var.l.0.id
  call   = merge(var.a, { b = 1, (var.k) = 2, "c" : 3 }, try(var.c, null) == null ? {} : { c = 1 })
  expand = concat(var.l...)
  chain  = var.x ? 1 : var.y ? 2 : 3
  logic  = !var.a && 1 + 2 * 3 >= -4 || (5 % 2 == 1)
  string = "x-${var.env}-${upper("y")}"
  index  = var.m["k"].n[local.i]
  deep   = provider::aws::arn_parse(var.x)
  nothing = null
  number = -1.5
  dynamic "rule" {
    for_each = toset(["a"])
    content {
      key = rule.value
    }
  }
}
"""

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
VALUES = st.sampled_from(
    [
        "1",
        '"x"',
        '"${var.a}"',
        "[1, 2]",
        "{ a = 1 }",
        '"a # b"',
        "f(1)",
        "<<EOT\n} # {\nEOT",
        "<<-E\n  $${x}\n  E",
        '"}"',
    ]
)
ENDS = st.sampled_from(["", " # } c", " // {", " /* { */"])


@st.composite
def files(draw: st.DrawFn) -> tuple[str, list[str]]:
    """Make a file of blocks, and the text of each."""
    pieces, blocks = [], []
    for kind, name in draw(st.lists(st.tuples(NAMES, NAMES), max_size=5)):
        lines = "".join(
            f"  {key} = {value}{'' if '<<' in value else end}\n"
            for key, value, end in draw(st.lists(st.tuples(NAMES, VALUES, ENDS), max_size=4))
        )
        blocks.append(f'{kind} "{name}" {{\n{lines}}}')
        pieces.append(draw(st.sampled_from(["", "\n", "# x {\n", "/* } */\n"])) + blocks[-1] + "\n")
    return "".join(pieces), blocks


@given(files())
def test_the_span_of_a_block_gives_its_text(made: tuple[str, list[str]]) -> None:
    text, blocks = made
    scanned = scan(Document("main.tf", text))
    assert scanned.problems == []
    assert [block.text for block in scanned.blocks] == blocks


@given(files())
def test_the_spans_of_arguments_give_their_names(made: tuple[str, list[str]]) -> None:
    text, _ = made
    for scanned in scan(Document("main.tf", text)).blocks:
        block = read_block(scanned)
        for argument in block.arguments.values():
            assert text[argument.start : argument.end] == argument.name
            assert text[argument.end : argument.value.start].strip() == "="


@given(st.text(alphabet='ab"{}[]()$%\\\n#/*<-E =', max_size=80))
def test_scanning_never_fails_and_blanking_keeps_the_length(text: str) -> None:
    for block in scan(Document("main.tf", text)).blocks:
        assert len(blanked(text, block.start, block.end, block.edits)) == block.end - block.start


def test_labels_and_header() -> None:
    (block,) = scan(Document("main.tf", '# c\n  resource "aws_x" "y" {\n}\n')).blocks
    assert (block.type, block.labels) == ("resource", ("aws_x", "y"))
    assert block.document.text[block.start : block.header_end] == 'resource "aws_x" "y"'


@pytest.mark.parametrize(
    ("text", "line", "left"),
    [
        ('a "b" {\n  x = [\n\nresource "c" "d" {\n}\n', 1, ["resource"]),
        ('a "b" {\n  x = "open\n}\nresource "c" "d" {\n}\n', 2, ["resource"]),
        ('a "b" {\n  x = <<EOT\n}\n', 2, []),
        ('}\nresource "c" "d" {\n}\n', 1, ["resource"]),
        ('a "b" {\n}\nx = 1\nresource "c" "d" {\n}\n', 3, ["a", "resource"]),
        ("/* open\n", 1, []),
    ],
)
def test_a_broken_block_costs_only_itself(text: str, line: int, left: list[str]) -> None:
    scanned = scan(Document("main.tf", text))
    assert [problem.line for problem in scanned.problems] == [line]
    assert [block.type for block in scanned.blocks] == left


def test_a_heredoc_hides_what_looks_like_a_block() -> None:
    text = 'a "b" {\n  x = <<EOF  \nresource "p5" "x" {\nEOF  \n}\nresource "c" "d" {\n}\n'
    assert [block.type for block in scan(Document("main.tf", text)).blocks] == ["a", "resource"]


def test_both_paths_of_the_grammar_give_one_tree() -> None:
    document = Document("main.tf", CONSTRUCTS)
    trees = []
    for grammar in (Grammar(), Grammar(fast=False)):
        grammar.builder.document = document
        trees.append(grammar.parse(CONSTRUCTS))
    assert trees[0] == trees[1]
