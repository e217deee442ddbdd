"""A scan never raises and always gives a report, whatever a file holds; a file that steers it may be refused.

The inputs are what examples and fixtures hold, changed in places: their shape, their words, their text.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlguard.errors import MlguardError
from mlguard.parse.markup import load_markup, plain
from mlguard.parse.terraform.functions import FUNCTIONS
from mlguard.source import Document

Run = Callable[[str, str], None]
BUDGET = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        None, True, 0, -1, 10**30, 1.5, "", " ", "*", "${", "${x}", "%{ if", "a\x1b[2J", "\u202ex", "\ud800", "x" * 300,
        "::error::x", "\n::error::y", "../../x", "/etc/passwd", "ml.p4d.24xlarge", "AWS::NoValue", "arn:aws:s3:::*",
        [], {}, [[]], [{}], [None], {"": None}, {"Ref": []}, {"Ref": "X"}, {"Fn::If": ["C"]}, {"Fn::Sub": ["${A}", {}]},
        {"Fn::Join": ["", {}]}, {"Fn::GetAtt": "A"}, {"Fn::FindInMap": ["A", "B", "C"]}, {"Fn::ForEach::A": []},
        {"any": []}, {"not": {}}, {"parameter": "x"}, {"every": {}}, {"references": ["module.x.y", "var.z", 1]},
    ]
)  # fmt: skip
JUNK = st.sampled_from(
    [*"{}[]():,&*!'\"\n\t\r|>#%?<=.$\\~\x85\u2028\x00é0", "  ", "<<EOT", "${", "%{ for", "/*", "..."]
)


@cache
def _trees(seeds: Callable[[], Any]) -> list[Any]:
    """Give the seeds that can be read, as plain data."""
    found = []
    for seed in seeds():
        try:
            found += [plain(node) for node in load_markup(Document("t.yaml", seed.decode()))]
        except MlguardError:
            continue
    return found


def _changed(data: st.DataObject, tree: Any, trees: list[Any]) -> Any:  # noqa: ANN401  (plain data)
    """Put something else somewhere into a tree: odd data, a part of another tree, or nothing."""
    if isinstance(tree, dict | list) and tree and data.draw(st.integers(0, 9)):
        keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
        key = data.draw(st.sampled_from(keys))
        if not data.draw(st.integers(0, 9)):
            del tree[key]
        else:
            tree[key] = _changed(data, tree[key], trees)
        return tree
    part = data.draw(ODD | st.sampled_from(trees))
    while isinstance(part, dict) and part and data.draw(st.booleans()):
        part = part[data.draw(st.sampled_from(list(part)))]
    return copy.deepcopy(part)


@pytest.mark.parametrize(
    "name",
    ["yaml", "json", "hcl-json", "tfvars-json", "plan", "assembly", "parameters", "policy", "configuration", "scp"],
)
@BUDGET
@given(data=st.data())
def test_a_tree_that_is_changed(run: Run, targets: Any, name: str, data: st.DataObject) -> None:  # noqa: ANN401
    trees = _trees(targets[name].seeds)
    tree = copy.deepcopy(data.draw(st.sampled_from(trees)))
    for _ in range(data.draw(st.integers(1, 4))):
        tree = _changed(data, tree, trees)
    run(name, yaml.safe_dump(tree) if name in ("yaml", "policy", "configuration") else json.dumps(tree))


@pytest.mark.parametrize("name", ["yaml", "json", "hcl", "tfvars", "plan", "policy", "configuration", "scp"])
@BUDGET
@given(data=st.data())
def test_a_text_that_is_damaged(run: Run, targets: Any, name: str, data: st.DataObject) -> None:  # noqa: ANN401
    text = data.draw(st.sampled_from(list(targets[name].seeds()))).decode()
    for _ in range(data.draw(st.integers(1, 4))):
        start, length = data.draw(st.integers(0, len(text))), data.draw(st.integers(0, 6))
        text = text[:start] + data.draw(JUNK) + text[start + length :]
    run(name, text)


def _expressions() -> st.SearchStrategy[str]:
    leaves = st.sampled_from(
        [
            "null", "true", "0", "-1", "1e999", "9" * 60, '""', '"a"', '"\\ud800"', '"%d-${1}"', "var.machine",
            "var.tags", "var.none", "local.x", "each.key", "count.index", "path.module", "self", "data.a.b.c[0].d",
            "[]", "{}", "aws_sagemaker_notebook_instance.work.id", '"[1, {"', "<<-E\n  ${1}\n  E\n",
            '"^(a|b)*$"', '"2024-01-01T00:00:00Z"',
        ]
    )  # fmt: skip

    def deeper(below: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        calls = st.tuples(st.sampled_from(sorted(FUNCTIONS)), st.lists(below, max_size=3))
        pairs = st.tuples(below, below)
        return st.one_of(
            calls.map(lambda call: f"{call[0]}({', '.join(call[1])})"),
            st.lists(below, max_size=3).map(lambda parts: f"[{', '.join(parts)}]"),
            pairs.map("{{ ({0[0]}) = {0[1]} }}".format),
            pairs.map('"a${{{0[0]}}}%{{ if {0[1]} }}b%{{ endif }}"'.format),
            pairs.map("[for k, v in {0[0]} : v if {0[1]}]".format),
            pairs.map("{{ for k, v in {0[0]} : {0[1]} => v... }}".format),
            pairs.map("({0[0]})[{0[1]}]".format),
            below.map("({0})[*].x".format),
            below.map("!-{0}".format),
            st.tuples(below, st.sampled_from(["+", "-", "*", "/", "%", "==", "!=", "<", ">=", "&&", "||"]), below)
            .map(" ".join)
            .map("({})".format),
            st.tuples(below, below, below).map("({0[0]} ? {0[1]} : {0[2]})".format),
        )

    return st.recursive(leaves, deeper, max_leaves=8)


@settings(BUDGET, max_examples=100)
@given(_expressions(), _expressions(), st.sampled_from(["count", "for_each", "tags", "provider", "depends_on"]))
def test_an_expression_of_any_kind(run: Run, value: str, more: str, name: str) -> None:
    block = f'resource "aws_sagemaker_notebook_instance" "work" {{\n  instance_type = {value}\n  {name} = {more}\n}}\n'
    run("hcl", f'variable "machine" {{\n  default = "ml.t3.medium"\n}}\nlocals {{\n  x = {more}\n}}\n{block}')


@settings(BUDGET, max_examples=50)
@given(_expressions(), _expressions())
def test_a_variable_of_any_value(run: Run, machine: str, tags: str) -> None:
    run("tfvars", f"machine = {machine}\ntags = {tags}\n")
