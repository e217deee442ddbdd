"""Every form that Terraform's language has: what it means, and that none of it disturbs what stands beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlguard.parse.terraform import load
from mlguard.parse.terraform.grammar import Grammar, TextError
from mlguard.parse.terraform.values import Plain, plain
from mlguard.resource import RawProject
from mlguard.scenario import Scenario
from mlguard.source import Document, Root
from mlguard.value import Entries, settle

WORLD = """
variable "word" { default = "w" }
variable "yes" { default = true }
variable "three" { default = ["a", "b", "c"] }
variable "pairs" { default = { one = 1, two = 2 } }
variable "things" {
  default = [{ id = "i", ok = true, deep = [{ y = 1 }] }, { id = "j", ok = false, deep = [{ y = 2 }] }]
}
"""

VALUES: dict[str, tuple[str, Plain]] = {
    "heredoc": ("<<EOF\nsee ${var.word}\nEOF\n", "see w\n"),
    "heredoc with indentation": ("<<-TXT\n    a\n      b\n    TXT\n", "a\n  b\n"),
    "heredoc as the only argument": ("jsondecode(<<DOC\n[1]\nDOC\n)", [1]),
    "heredoc in a list": ("[<<A\none\nA\n, 2]", ["one\n", 2]),
    "heredoc before another argument": ('replace(<<A\nx\nA\n, "x", "y")', "y\n"),
    "heredoc whose end is followed by blanks": ("<<EOF\nx\nEOF  \n", "x\n"),
    "heredoc that mentions its marker": ("<<EOF\nEOF x\nx EOF\nEOFF\nEOF\n", "EOF x\nx EOF\nEOFF\n"),
    "heredoc with an underscore": ("<<_A_1\nx\n_A_1\n", "x\n"),
    "heredoc with one letter": ("<<E\nx\nE\n", "x\n"),
    "heredoc that is empty": ("<<E\nE\n", ""),
    "heredoc with directives": ("<<E\n%{ for x in var.three ~}\n${x}\n%{ endfor ~}\nE\n", "a\nb\nc\n"),
    "heredoc with brackets and quotes": ('<<E\n} ] ) " { [ ( # /*\nE\n', '} ] ) " { [ ( # /*\n'),
    "heredoc with a value over several lines": ('<<E\n${join(",", [\n  "a",\n  "b",\n])}\nE\n', "a,b\n"),
    "condition in a text": ('"x%{ if var.yes }y%{ else }z%{ endif }"', "xy"),
    "loop in a text": ('"%{ for k, v in var.pairs }${k}=${v},%{ endfor }"', "one=1,two=2,"),
    "condition that compares texts": ('"%{ if var.word == "w" ~} y%{ endif ~} z"', "yz"),
    "value in a value in a value": ('"${"${"deep"}"}"', "deep"),
    "quotes and brackets in a value": ('"${lookup({ a = "b}" }, "a", "${var.word}")}"', "b}"),
    "escapes of values": ('"$${a} %%{b} $$${var.word}"', "${a} %{b} $${var.word}"),
    "escape without an end": ('"$${open"', "${open"),
    "escape of a directive without an end": ('"%%{open"', "%{open"),
    "dollars and percents": ('"$ $5 100% $"', "$ $5 100% $"),
    "list from a map": ('[for k, v in var.pairs : "${k}-${v}" if v != 1]', ["two-2"]),
    "object with groups": ("{ for t in var.things : t.ok => t.id... }", {"true": ["i"], "false": ["j"]}),
    "for with comments": ("[\n  for s in var.things : # which\n  s.id # what\n  if s.ok\n]", ["i"]),
    "object over several lines": (
        "{\n  for s in var.things :\n  s.id => {\n    x = s.ok\n  }\n}",
        {"i": {"x": True}, "j": {"x": False}},
    ),
    "arrow on a line of its own": ("{\n  for s in var.things :\n  s.id\n  => s.ok\n}", {"i": True, "j": False}),
    "splat": ("var.things[*].id", ["i", "j"]),
    "splat through lists": ("var.things[*].deep[0].y", [1, 2]),
    "old splat": ("var.things.*.id", ["i", "j"]),
    "old splat and an index": ("var.things.*.id[1]", "j"),
    "old index": ("var.things.0.id", "i"),
    "call over several lines": (
        "merge(\n  var.pairs,\n  {\n    b = 1\n  },\n  # c\n  try(var.pairs.x, null) == null ? {} : { c = 1 },\n)",
        {"one": 1, "two": 2, "b": 1},
    ),
    "expansion": ("concat([[1], [2]]...)", [1, 2]),
    "expansion of a for": ("merge([for k, v in var.pairs : { (k) = v }]...)", {"one": 1, "two": 2}),
    "expansion with a comma": ("max(1, [2, 3]...)", 3),
    "condition over several lines": ("(\n  var.yes\n  ? 1\n  : 2\n)", 1),
    "condition that ends its lines": ("(var.yes ?\n  1 :\n  2)", 1),
    "condition without parentheses": ("var.yes ? {\n    x = 1\n  } : {}", {"x": 1}),
    "operators that begin lines": ("(var.yes\n  && !var.yes\n  || var.yes)", True),
    "operators that end lines": ("(var.yes &&\n  !var.yes)", False),
    "operators in a call": ("max(\n  1 +\n  2,\n  2\n)", 3),
    "line end after a minus": ("(5 -\n  2)", 3),
    "line end before a minus": ("(5\n  - 2)", 3),
    "line ends around a value in a text": ('"${\n var.word\n}"', "w"),
    "line ends in a call in a text": ('"${element(\n  var.three,\n 1)}"', "b"),
    "line ends in a condition in a text": ('"${var.yes ?\n 1 :\n 2}x"', "1x"),
    "attribute on a line of its own": ("(var.things[0]\n  .id)", "i"),
    "index over several lines": ("var.three[\n  0\n]", "a"),
    "comments in parentheses": ("( # one\n  1 # two\n)", 1),
    "comments in a list": ("[ # a\n  1, # b\n  # c\n  2\n  # d\n]", [1, 2]),
    "comments in a call": ("max(1, /* two */ 2, // three\n  3)", 3),
    "comment before a value": ("/* x */ 1 /* y */", 1),
    "comment of several lines": ("[1, /* a\n b */ 2]", [1, 2]),
    "function of a namespace": ("core::max(1, 2)", 2),
    "other scripts": ('"π 日本語 😀"', "π 日本語 😀"),
    "other scripts as names": ("[for größe in [1] : größe + 1]", [2]),
    "keys of all kinds": (
        '{ "b-c" = 1, (var.word) = 2, d : 3, 5 = 6, "${var.word}y" = 7, null = 8, for = 1, in = 2, true = 4 }',
        {"b-c": 1, "w": 2, "d": 3, "5": 6, "wy": 7, "null": 8, "for": 1, "in": 2, "true": 4},
    ),
    "key that is a reference": ("{ (var.things[0].id) = 1 }", {"i": 1}),
    "keys that look like Terraform's own": (
        "{ for_each = 1, each = 2, count = 3 }",
        {"for_each": 1, "each": 2, "count": 3},
    ),
    "object with commas and lines": ("{ a = 1,\n b = 2\n c = 3, }", {"a": 1, "b": 2, "c": 3}),
    "object on lines without commas": ("{\n  in = 1\n  for = 2\n}", {"in": 1, "for": 2}),
    "numbers": ("[1e3, -1.5, 0.5E-2, -12, 3-1]", [1000, -1.5, 0.005, -12, 2]),
    "minus without a blank": ("length(var.three) -12", -9),
    "minus and a name": ("length(var.three)-1", 2),
    "minus of a negative number": ("length(var.three) - -1", 4),
    "two minuses": ("- -1", 1),
    "minus of parentheses": ("-(1 + 2)", -3),
    "not, and not not": ("[!var.yes && !(var.yes), !!var.yes, ! var.yes]", [False, True, False]),
    "precedence": ("1 % 2 >= 3 && 4 != 5 || 6 <= 7", True),
    "equality binds less than order": ("1 < 2 == 3 > 2", True),
    "chained conditions": ("!var.yes ? 1 : var.yes ? 2 : 3", 2),
    "condition in a text of its own": ('"${var.yes ? "a" : "b"}"', "a"),
    "steps after a call": ("tolist(var.things)[1].deep[0].y", 2),
    "steps after parentheses": ("({ a = 1 }).a", 1),
    "steps after a list and an object": ('[[1, 2][0], { a = 1 }["a"]]', [1, 1]),
    "escapes": ('"\\n\\t\\"\\\\ \\u00e9 \\U0001F600"', '\n\t"\\ é 😀'),
    "tabs": ("\t1\t+\t2", 3),
    "brackets in texts": ('[" ] } ) ", "{", "#", "// /*"]', [" ] } ) ", "{", "#", "// /*"]),
}

BESIDE = 'resource "aws_x" "beside" {\n  a = "here"\n}\n'
FILES: dict[str, str] = {
    "two heredocs of one marker": "locals {\n  a = <<EOF\nx\nEOF\n  b = <<EOF\ny\nEOF\n}\n",
    "heredocs with blanks behind": "locals {\n  a = <<EOF\nx\nEOF  \n}\nlocals {\n  b = <<EOF\ny\nEOF\n}\n",
    "two open escapes": 'locals {\n  a = "$${foo"\n  b = "}"\n}\n',
    "heredoc with a block": 'locals {\n  a = <<EOF\nresource "aws_x" "no" {\n}\nEOF\n}\n',
    "comment of a block": '/* resource "aws_x" "no" {\n} */\n# resource "aws_x" "no" {}\n// }\n',
    "comments": "// x\nlocals {\n  a = 1 // y\n  # z }\n}\n",
    "comment in a header": 'data /* b */ "aws_x" "y" /* { */ {\n}\n',
    "newer blocks": 'moved {\n  from = aws_a.b\n  to   = aws_a.c["x"]\n}\nimport {\n  to = aws_a.y\n  id = "i"\n}\n'
    'check "h" {\n  data "http" "e" { url = "x" }\n  assert {\n    condition     = data.http.e.status == 200\n'
    '    error_message = "no"\n  }\n}\nremoved {\n  from = aws_a.z\n  lifecycle { destroy = false }\n}\n',
    "blocks on one line": 'locals { a = 1 }\nlocals {}\noutput "o" { value = { a = 1 } }\n',
    "providers with for_each": 'provider "aws" {\n  alias    = "by_region"\n  for_each = toset(var.regions)\n'
    '  region   = each.value\n}\nresource "aws_y" "b" {\n  provider = aws.by_region[each.key]\n}\n',
    "encryption": 'terraform {\n  encryption {\n    key_provider "pbkdf2" "k" { passphrase = var.p }\n'
    '    method "aes_gcm" "m" { keys = key_provider.pbkdf2.k }\n    state {\n      method   = method.aes_gcm.m\n'
    "      enforced = true\n    }\n  }\n}\n",
    "ephemeral values": 'ephemeral "random_password" "p" {\n  length = 16\n}\nresource "aws_y" "b" {\n'
    "  password_wo = ephemeral.random_password.p.result\n}\n",
    "optional attributes": 'variable "x" {\n  type = map(object({\n    a = string\n    b = optional(list(string), [])\n'
    "    c = optional(any)\n  }))\n  default  = {}\n  nullable = false\n  validation {\n"
    '    condition     = alltrue([for k, v in var.x : can(regex("^a$", k))])\n    error_message = "bad"\n  }\n}\n',
    "keywords as names": "locals {\n  for  = 1\n  if   = local.for\n  in   = 3\n  null = 4\n  x    = local.if\n}\n",
    "keywords as blocks": 'resource "aws_y" "b" {\n  for {\n  }\n  in {\n    if = 1\n  }\n}\n',
    "dynamic block": 'resource "aws_y" "b" {\n  dynamic "s" {\n    for_each = var.x ? [1] : []\n    iterator = it\n'
    "    labels   = [it.key]\n    content {\n      y = it.value\n    }\n  }\n}\n",
    "function of a provider": 'locals {\n  a = provider::aws::arn_parse("x").account\n}\n',
    "names of other scripts": "locals {\n  größe = 1\n  π     = local.größe\n}\n",
    "labels without quotes": "resource aws_y b {\n}\n",
    "only a comment": "# x",
    "no line end": 'output "o" {\n  value = 1\n}',
    "nothing": "",
}


def evaluated(folder: Path, text: str) -> Plain:
    """Give what `local.it` is worth."""
    end = "" if text.endswith("\n") else "\n"
    written = f'{WORLD}locals {{\n  it = {text}{end}}}\nresource "aws_x" "y" {{\n  a = local.it\n}}\n'
    (folder / "main.tf").write_bytes(written.encode())
    return argument(only(folder))


def only(folder: Path) -> RawProject:
    (project,) = load(Root(folder), [""], lambda kind: kind == "aws_x")
    assert project.problems == ()
    return project


def argument(project: RawProject) -> Plain:
    (resource,) = project.resources
    body = settle(resource.body, Scenario()).content
    assert isinstance(body, Entries)
    return plain(settle(body.nodes["a"], Scenario()))


@pytest.mark.parametrize("name", VALUES)
def test_what_a_form_is_worth(tmp_path: Path, name: str) -> None:
    text, expected = VALUES[name]
    assert evaluated(tmp_path, text) == expected


@pytest.mark.parametrize("name", [name for name in VALUES if "\r" not in VALUES[name][0]])
def test_line_ends_of_windows_change_no_form(tmp_path: Path, name: str) -> None:
    text, expected = VALUES[name]
    found = evaluated(tmp_path, text.replace("\n", "\r\n"))
    assert found == expected or (
        isinstance(found, str | list) and str(found).replace("\\r", "").replace("\r", "") == str(expected)
    )


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("name", FILES)
def test_what_stands_beside_a_form(tmp_path: Path, name: str, mark: str) -> None:
    (tmp_path / "main.tf").write_bytes((mark + FILES[name] + "\n" + BESIDE).encode())
    project = only(tmp_path)
    assert [resource.address for resource in project.resources] == ["aws_x.beside"]
    assert argument(project) == "here"


def test_both_paths_of_the_grammar_read_all_forms_alike() -> None:
    grammars = (Grammar(), Grammar(fast=False))
    for name, (text, _) in VALUES.items():
        if "<<" in text or "%{" in text or "$${" in text:
            continue  # these never reach the grammar
        document = Document("main.tf", f"it = {text}")
        trees = []
        for grammar in grammars:
            grammar.builder.document = document
            try:
                trees.append(grammar.parse(document.text))
            except TextError:
                trees.append([])
        assert trees[0] == trees[1] or not trees[1], name
