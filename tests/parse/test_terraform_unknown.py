"""Values of which only a part is known: what is known stays so, what is not says why, and nothing is guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlguard.parse.terraform import load
from mlguard.scenario import Scenario
from mlguard.source import Root
from mlguard.value import Entries, Items, Node, Reference, Unknown, settle

WORLD = """
variable "u" {}
variable "map" { type = map(string) }
variable "list" { type = list(string) }
variable "mode" {
  default = "a"
  validation {
    condition     = contains(["a", "b"], var.mode)
    error_message = "x"
  }
}
locals {
  tags   = merge({ team = "ml", env = "dev" }, var.map, { cost = "7" })
  both   = concat(["a"], var.list)
  half   = ["a", var.u, "c"]
  pair   = { a = 1, b = var.u }
  broken = tonumber("x")
  keyed  = { (var.u) = 1, k = 2 }
}
resource "aws_s3_bucket" "b" {}
resource "aws_s3_bucket" "n" { count = var.u }
"""
REST = "..."
"""Stands for `there may be more`."""
U = "?"
"""Stands for an unknown value."""


def sketched(node: Node) -> object:
    """Give a value with `?` for what is unknown, the text that is known of a partly known one, and `...`."""
    content = settle(node, Scenario()).content
    if isinstance(content, Unknown):
        assert content.because
        return U if content.pattern == "*" else f"~{content.pattern}"
    if isinstance(content, Reference):
        return f"{content.address}.{content.attribute}"
    if isinstance(content, Entries):
        found = {key: sketched(below) for key, below in content.nodes.items()}
        return {**found, REST: U} if content.rest is not None else found
    if isinstance(content, Items):
        return [sketched(below) for below in content.nodes] + ([REST] if content.rest is not None else [])
    return content


def value(folder: Path, expression: str) -> Node:
    text = f'{WORLD}resource "aws_x" "y" {{\n  a = {expression}\n}}\n'
    (folder / "main.tf").write_text(text, encoding="utf-8")
    (project,) = load(Root(folder), [""], lambda kind: kind == "aws_x")
    assert project.problems == ()
    body = settle(project.resources[0].body, Scenario()).content
    assert isinstance(body, Entries)
    return settle(body.nodes["a"], Scenario())


CASES: list[tuple[str, object]] = [
    ("local.tags", {"team": U, "env": U, "cost": "7", REST: U}),
    ("local.tags.cost", "7"),
    ("local.tags.team", U),
    ("local.tags.owner", U),
    ('lookup(local.tags, "cost", "0")', "7"),
    ('lookup(local.tags, "owner", "none")', U),
    ('lookup(var.map, "owner", "none")', U),
    ("lookup({ a = 1 }, var.u, 2)", U),
    ('try(local.tags.owner, "none")', U),
    ("can(local.tags.owner)", U),
    ("can(local.tags.cost)", True),
    ("keys(local.tags)", ["cost", "env", "team", REST]),
    ("values(local.tags)", ["7", U, U, REST]),
    ("length(local.tags)", U),
    ("length(local.pair)", 2),
    ("length(local.half)", 3),
    ("length(local.both)", U),
    ("length([var.u])", 1),
    ("length(toset([var.u]))", U),
    ('contains(keys(local.tags), "cost")', True),
    ('contains(keys(local.tags), "owner")', U),
    ('contains(local.half, "c")', True),
    ('contains(local.half, "z")', U),
    ('contains(local.both, "a")', True),
    ('contains(["x"], var.u)', U),
    ("local.both", ["a", REST]),
    ("local.both[0]", U),
    ("local.half[0]", "a"),
    ("local.half[1]", U),
    ('try(local.half[7], "none")', "none"),
    ("local.half[*]", ["a", U, "c"]),
    ("element(local.half, 5)", "c"),
    ("element(local.both, 0)", U),
    ('index(local.half, "a")', 0),
    ('index(local.half, "c")', U),
    ("reverse(local.half)", ["c", U, "a"]),
    ("slice(local.half, 2, 3)", ["c"]),
    ("one([var.u])", U),
    ("[for x in local.half : upper(x)]", ["A", U, "C"]),
    ("[for x in local.both : upper(x)]", ["A", REST]),
    ('[for x in local.half : x if x != "a"]', ["c", REST]),
    ("[for x in var.list : 1]", U),
    ('{ for k, v in local.pair : k => "${v}!" }', {"a": "1!", "b": "~*!"}),
    ("{ for x in local.half : x => 1 }", {"a": 1, "c": 1, REST: U}),
    ('{ for x in local.half : x == "a" => x... }', {"true": ["a", REST], "false": ["c", REST], REST: U}),
    ("local.keyed", {"k": 2, REST: U}),
    ("local.keyed.k", 2),
    ("merge(local.pair, { b = 2 })", {"a": 1, "b": 2}),
    ("merge({ x = 1 }, local.pair)", {"x": 1, "a": 1, "b": U}),
    ("merge(var.map, { k = 1 })", {"k": 1, REST: U}),
    ("merge(var.map...)", U),
    ("zipmap(local.half, [1, 2, 3])", {REST: U}),
    ('zipmap(["a", "b"], [1, var.u])', {"a": 1, "b": U}),
    ("flatten([local.half, [local.both]])", ["a", "c", "a", REST]),
    ("compact(local.half)", ["a", "c", REST]),
    ("distinct(local.half)", [REST]),
    ("sort(local.half)", U),
    ("toset(local.half)", ["a", "c", REST]),
    ("tolist([1, var.u])", [U, U]),
    ('tolist([1, "x", var.u])', ["1", "x", U]),
    ("setunion(local.half, [])", U),
    ("chunklist(local.half, 2)", [["a", U], ["c"]]),
    ('"x-${var.u}-y"', "~x-*-y"),
    ('"%{ if var.u }a%{ endif }b"', "~*b"),
    ('"%{ for x in local.half }${x},%{ endfor }"', "~a,*,c,"),
    ('join("-", local.half)', "~a-*-c"),
    ('join("-", local.both)', "~*a*"),
    ('format("%s/%03d", var.u, 7)', "~*/007"),
    ('formatlist("%s!", local.half)', ["a!", "~*!", "c!"]),
    ("jsonencode({ a = 1, b = var.u })", '~{"a":1,"b":*}'),
    ("jsonencode(local.keyed)", '~{*"k":2*}'),
    ('upper("x-${var.u}")', "~X-*"),
    ('startswith("ml.${var.u}", "ml.")', True),
    ('startswith("ml.${var.u}", "db.")', False),
    ('startswith("ml.${var.u}", "ml.g5")', U),
    ('endswith("${var.u}.xlarge", "large")', True),
    ("md5(var.u)", U),
    ("base64encode(jsonencode(local.pair))", U),
    ("alltrue([false, var.u])", False),
    ("alltrue([true, var.u])", U),
    ("anytrue([true, var.u])", True),
    ("anytrue([false, var.u])", U),
    ("sum([1, var.u])", U),
    ("max(1, var.u)", U),
    ("var.u + 1", U),
    ("!var.u", U),
    ("var.u && false", False),
    ("var.u && true", U),
    ("true || var.u", True),
    ("var.u == null", U),
    ('"a${var.u}" == "b"', False),
    ('"a${var.u}" == "ab"', U),
    ("[1, var.u] == [2, 3]", False),
    ("[1, var.u] == [1, 3]", U),
    ("[var.u] == [1, 2]", False),
    ("[var.u] == toset([1])", False),
    ("{ a = var.u } == { b = 1 }", False),
    ("local.pair == { a = 2, b = 1 }", False),
    ('var.u ? "ml.p4d.24xlarge" : "ml.p3.2xlarge"', "~ml.p*xlarge"),
    ('var.u ? "x" : "x"', "x"),
    ("var.u ? { a = 1, b = 2 } : { a = 1, b = 3 }", {"a": 1, "b": U}),
    ("var.u ? { a = 1 } : {}", U),
    ("var.u ? [1, 2] : [1, 3]", [1, U]),
    ("var.u ? [1] : []", U),
    ("true ? local.pair : null", {"a": 1, "b": U}),
    ("true ? 1 : var.u", 1),
    ("false ? var.u : [1, 2]", [1, 2]),
    ("coalesce(var.u, 1)", U),
    ('coalesce("a", var.u)', "a"),
    ('coalescelist(["a"], var.list)', ["a"]),
    ("coalescelist(var.list, [1])", U),
    ("try(var.u, 1)", U),
    ("can(var.u)", U),
    ('try(tonumber("x"), var.u)', U),
    ('try(local.broken, "not taken")', U),
    ('try([local.pair.a, local.pair.c], "taken")', "taken"),
    ('try(file("../above"), "not taken")', U),
    ('can(file("../above"))', U),
    ('try(nosuch(1), "not taken")', U),
    ("timestamp()", U),
    ("uuid()", U),
    ("plantimestamp()", U),
    ('bcrypt("x")', U),
    ('provider::aws::arn_parse("x").account', U),
    ('abspath("x")', U),
    ("issensitive(var.u)", U),
    ("sensitive(local.pair).a", 1),
    ("nonsensitive(local.half)[0]", "a"),
    ("aws_s3_bucket.b.arn", "aws_s3_bucket.b.arn"),
    ('"${aws_s3_bucket.b.id}"', "aws_s3_bucket.b.id"),
    ("[aws_s3_bucket.b.id][0]", "aws_s3_bucket.b.id"),
    ("one(toset([aws_s3_bucket.b.id]))", "aws_s3_bucket.b.id"),
    ("length(toset([aws_s3_bucket.b.id, aws_s3_bucket.b.arn]))", U),
    ("aws_s3_bucket.n[0].id", U),
    ("length(aws_s3_bucket.n)", U),
    ("range(var.u)", U),
    ("{ a = nosuch(1), b = 2 }", {"a": U, "b": 2}),
    ('[tonumber("x"), 2]', [U, 2]),
    ("yamldecode(var.u).a", U),
    ("templatestring(local.both[0], {})", U),
    ('replace("a-${var.u}", "-", ".")', U),
    ("cidrsubnet(var.u, 8, 1)", U),
    ("upper(local.half...)", U),
    ("1e5000", U),
    ("1 / 0", U),
]


@pytest.mark.parametrize(("expression", "expected"), CASES, ids=[expression for expression, _ in CASES])
def test_what_is_known_and_what_is_not(tmp_path: Path, expression: str, expected: object) -> None:
    assert sketched(value(tmp_path, expression)) == expected


@pytest.mark.parametrize(
    ("expression", "because"),
    [
        ("local.tags.owner", "var.map has no value"),
        ("[for x in var.list : x]", "var.list has no value"),
        ("local.half[1]", "var.u has no value"),
        ("1 / 0", "a division by zero"),
        ('try(file("../above"), 1)', "file(): the file is outside of the scanned folder and is not read"),
        ("local.broken", "tonumber(): a number was expected"),
        ("[1][2]", "there is no item 2"),
        ("{ a = 1 }.b", "there is no element 'b'"),
        ("upper()", "upper(): 0 arguments are too few"),
        ("upper(null)", "upper(): an argument is null"),
        ('true ? "a" : [1]', "the two results of the condition have types that do not go together"),
        ("timestamp()", "timestamp() is only known at deployment"),
        ("nosuch(1)", "nosuch() is not a function that mlguard knows"),
        ('base64gzip("x")', "base64gzip(): its result is compressed, and mlguard does not compress as Terraform does"),
    ],
)
def test_an_unknown_value_says_why(tmp_path: Path, expression: str, because: str) -> None:
    content = value(tmp_path, expression).content
    assert isinstance(content, Unknown)
    assert content.because == because


def test_the_result_that_is_not_chosen_decides_nothing(tmp_path: Path) -> None:
    text = 'resource "aws_x" "y" {\n  a = true ? 1 : var.mode\n}\n'
    (tmp_path / "main.tf").write_text(WORLD + text, encoding="utf-8")
    (project,) = load(Root(tmp_path), [""], lambda kind: kind == "aws_x")
    scenario = Scenario()
    body = settle(project.resources[0].body, scenario).content
    assert isinstance(body, Entries)
    assert settle(body.nodes["a"], scenario).content == "1"
    assert scenario.decisions == {}
