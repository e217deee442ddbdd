"""The value of every expression of `console/` is the one that Terraform's own console gave for it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from mlguard.parse.terraform import load
from mlguard.parse.terraform.functions.json_text import json_text
from mlguard.parse.terraform.grammar import Grammar, TextError
from mlguard.parse.terraform.precision import parsed
from mlguard.parse.terraform.type_system import Collection, Object, Tuple, Type
from mlguard.parse.terraform.values import is_known, type_of
from mlguard.scenario import Scenario
from mlguard.source import Document, Root
from mlguard.value import Entries, Node, Unknown, settle

FOLDER = Path(__file__).with_name("console")
RECORDED: list[dict[str, str]] = json.loads((FOLDER / "recorded.json").read_text(encoding="utf-8"))["expressions"]
VALUES = [one for one in RECORDED if "refused" not in one]
REFUSED = [one["expression"] for one in RECORDED if "refused" in one]
NOT_COMPUTED = ("base64gzip(", 'regex("\\\\p{Greek}')
"""What mlguard leaves unknown although Terraform computes it."""
NOT_NEEDED = ('[for x in [tonumber("x")] : 1]',)
"""What Terraform refuses for a part that the value, as mlguard sees it, does not depend on."""


@cache
def nodes() -> Mapping[str, Node]:
    """Evaluate all expressions of the list in one project."""
    text = "".join(
        f'resource "aws_x" "n{index}" {{\n  a = {one["expression"]}\n  b = can({one["expression"]})\n}}\n'
        for index, one in enumerate(RECORDED)
    )
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "project"
        shutil.copytree(FOLDER, folder)
        (folder / "resources.tf").write_text(text, encoding="utf-8")
        (project,) = load(Root(folder), [""], lambda kind: kind == "aws_x")
        assert project.problems == ()
        found: dict[str, Node] = {}
        for one, resource in zip(RECORDED, project.resources, strict=True):
            body = settle(resource.body, Scenario()).content
            assert isinstance(body, Entries)
            for name, prefix in (("a", ""), ("b", "can ")):
                found[prefix + one["expression"]] = settle(body.nodes[name], Scenario())
        return found


def shown(kind: Type) -> str:
    """Write a type as the console does, without blanks."""
    if isinstance(kind, Collection):
        inner = shown(kind.element)
        return f"{kind.kind}({inner}{',' if inner.endswith(')') and not simple(kind.element) else ''})"
    if isinstance(kind, Tuple):
        return f"tuple([{''.join(shown(element) + ',' for element in kind.elements)}])"
    if isinstance(kind, Object):
        pairs = (f"{''.join(name.split())}:{shown(kind.attributes[name])}," for name in sorted(kind.attributes))
        return f"object({{{''.join(pairs)}}})"
    return "dynamic" if kind == "any" else kind


def simple(kind: Type) -> bool:
    return not isinstance(kind, Collection) or simple(kind.element) if not isinstance(kind, Tuple | Object) else False


def test_the_list_is_the_recorded_one() -> None:
    lines = (FOLDER / "expressions.txt").read_text(encoding="utf-8").splitlines()
    listed = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    assert [one["expression"] for one in RECORDED] == listed
    assert len(listed) > 1_000


@pytest.mark.parametrize("one", VALUES, ids=[one["expression"] for one in VALUES])
def test_the_value_is_terraforms(one: dict[str, str]) -> None:
    node = nodes()[one["expression"]]
    if one["expression"].startswith(NOT_COMPUTED):
        assert isinstance(node.content, Unknown)
        return
    assert not isinstance(node.content, Unknown), node.content.because
    assert nodes()["can " + one["expression"]].content is True
    written = json_text(node)
    assert json.loads(written, parse_int=parsed, parse_float=str) == json.loads(
        one["json"], parse_int=parsed, parse_float=str
    )
    assert shown(type_of(node)) == one["type"]


@pytest.mark.parametrize("expression", REFUSED)
def test_what_terraform_refuses_has_no_value(expression: str) -> None:
    node = nodes()[expression]
    assert not is_known(node) or expression in NOT_NEEDED
    assert nodes()["can " + expression].content is not True
    if isinstance(node.content, Unknown):
        assert node.content.because


def test_both_paths_of_the_grammar_read_every_expression_alike() -> None:
    grammars = (Grammar(), Grammar(fast=False))
    refused = []
    for one in RECORDED:
        document = Document("main.tf", f"x = {one['expression']}")
        trees: list[object] = []
        for grammar in grammars:
            grammar.builder.document = document
            try:
                trees.append(grammar.parse(document.text))
            except TextError:
                trees.append(None)
        if trees[0] is not None and trees[1] is None:
            refused.append(one["expression"])
        else:
            assert trees[0] == trees[1], one["expression"]
    assert [one for one in refused if not one.startswith("core::")] == [
        "- -3",
        "1 -12",
    ]  # the slower path is python-hcl2's grammar as it is
