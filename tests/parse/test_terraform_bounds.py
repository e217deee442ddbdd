"""Expressions that would take hours or gigabytes end soon, and what they are part of is unknown with a reason."""

from __future__ import annotations

import base64
import gzip
from pathlib import Path

import pytest

from mlguard.parse.terraform import load
from mlguard.parse.terraform.functions.expression_machine import MAX_STEPS, Machine, program_of
from mlguard.scenario import Scenario
from mlguard.source import Root
from mlguard.value import Entries, Node, Unknown, settle


def doubled(first: str, step: str, count: int = 60) -> str:
    """Write locals each of which is made of the one before it."""
    lines = [f"  l0 = {first}"] + [f"  l{n} = {step.replace('IT', f'local.l{n - 1}')}" for n in range(1, count)]
    return "locals {\n" + "\n".join(lines) + "\n}\n"


def value(folder: Path, expression: str, before: str = "") -> Node:
    text = f'{before}resource "aws_x" "y" {{\n  a = {expression}\n}}\nresource "aws_x" "z" {{\n  a = "beside"\n}}\n'
    (folder / "main.tf").write_text(text, encoding="utf-8")
    (project,) = load(Root(folder), [""], lambda kind: kind == "aws_x")
    nodes = []
    for resource in project.resources:
        body = settle(resource.body, Scenario()).content
        assert isinstance(body, Entries)
        nodes.append(settle(body.nodes["a"], Scenario()))
    assert nodes[-1].content == "beside"
    return nodes[0]


EXPRESSIONS = [
    "range(1e12)",
    "range(0, 1, 1e-900)",
    "[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : 1]]][999][999][999]",
    "flatten([for a in range(1000) : [for b in range(1000) : a]])[0]",
    "setproduct(range(1000), range(1000))[0]",
    "setproduct(range(100), range(100), range(100))[0]",
    "pow(10, 1e9)",
    "pow(pow(10, 300), 300)",
    "1e999999999",
    "1e-999999999",
    "9" * 3000,
    'tonumber("1e999999999")',
    'format("%999999999d", 1)',
    'format("%.999999999f", 1)',
    'format(join("", [for i in range(1000) : "%9999d"]), range(1000)...)',
    'indent(999999999, "a\\nb")',
    'replace(replace(join("", range(1000)), "", "0123456789"), "", "0123456789012345678901234567890123456789")',
    'replace(join("", range(1000)), "/(.)/", "$${1}${join("", range(1000))}")',
    'join(join("", range(1000)), range(1000))',
    'regex("^(a{1,1000}){1,1000}$", "a")',
    'regex("' + "(" * 500 + "a" + ")" * 500 + '", "a")',
    'regexall("", join("", [for a in range(1000) : "0123456789012345"]))[0]',
    'regex("(x*)*(x*)*(x*)*y", join("", [for a in range(1000) : "' + "x" * 100 + '"]))',
    'cidrsubnets("::/0", [for a in range(1000) : 1]...)',
    'jsondecode("' + "[" * 5000 + "]" * 5000 + '")',
    'yamldecode("' + "[" * 5000 + "]" * 5000 + '")',
    'yamldecode("a: &a [x,x,x,x,x,x,x,x,x]\\n'
    + "".join(f"{n}: &{n} [{','.join(['*' + m] * 9)}]\\n" for m, n in zip("abcdefgh", "bcdefghi", strict=True))
    + '")',
    'base64gunzip("' + base64.b64encode(gzip.compress(b"x" * 5_000_000, mtime=0)).decode() + '")',
    "-" * 1 + "(" * 600 + "1" + ")" * 600,
    "!" * 500 + "true",
    "true ? (" * 200 + "1" + ") : 2" * 200,
    'templatestring(join("", [for i in range(1000) : "$${x}"]), { x = join("", range(1000)) })',
]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=[expression[:60] for expression in EXPRESSIONS])
def test_an_expression_that_goes_too_far_is_unknown(tmp_path: Path, expression: str) -> None:
    content = value(tmp_path, expression).content
    assert isinstance(content, Unknown)
    assert content.because


@pytest.mark.parametrize(
    ("first", "step", "expression"),
    [
        ('"x"', '"${IT}${IT}"', "local.l59"),
        ('["x"]', "concat(IT, IT)", "length(local.l59)"),
        ('["x"]', "[IT, IT]", "jsonencode(local.l59)"),
        ("{ a = 1 }", "{ a = IT, b = IT }", "jsonencode(local.l59)"),
        ('"x"', "jsonencode([IT, IT])", "local.l59"),
        ('"x"', "base64encode(base64encode(base64encode(IT)))", "local.l59"),
        ('"x"', 'join(IT, [IT, IT, "x"])', "local.l59"),
        ('"x"', 'format("%s%s", IT, IT)', "local.l59"),
        ('"xx"', 'replace(IT, "x", IT)', "local.l59"),
        ("[1, 2]", "setproduct(IT, [1, 2])", "length(local.l59)"),
        ("99999999999", "IT * IT", "local.l59"),
        ("0.1", "IT * IT", "local.l59"),
        ("{}", 'merge(IT, { for k in range(1000) : "${k}${jsonencode(IT)}" => IT })', "length(local.l59)"),
        ("local.l59", "IT", "local.l30"),
    ],
)
def test_locals_that_grow_are_unknown(tmp_path: Path, first: str, step: str, expression: str) -> None:
    assert isinstance(value(tmp_path, expression, doubled(first, step)).content, Unknown)


def test_every_limit_is_no_refusal(tmp_path: Path) -> None:
    for expression in ('format("%999999999d", 1)', "1e999999999", "setproduct(range(1000), range(1000))"):
        assert isinstance(value(tmp_path, f'try({expression}, "not taken")').content, Unknown)
        assert isinstance(value(tmp_path, f"can({expression})").content, Unknown)
    assert value(tmp_path, 'try(range(1e12), "taken")').content == "taken"


def test_the_steps_of_a_regular_expression_grow_with_the_text() -> None:
    steps = []
    for length in (500, 1_000, 2_000):
        machine = Machine()
        assert machine.search(program_of("^(a|aa|a*)*b$"), "a" * length) is None
        steps.append(machine.steps)
    assert steps[2] <= 2.1 * steps[1] <= 4.5 * steps[0]
    assert steps[2] < MAX_STEPS
