"""Terraform's JSON spelling: what is a reference, a type or a block there, and what is a plain text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlguard.parse.terraform import load
from mlguard.resource import RawProject, RawResource
from mlguard.scenario import Scenario
from mlguard.source import Root
from mlguard.value import Content, Items, child, settle
from mlguard.vocabulary.paths import walk


def project(folder: Path, files: dict[str, object]) -> RawProject:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content if isinstance(content, str) else json.dumps(content, indent=2), "utf-8")
    folders = sorted({path.rpartition("/")[0] for path in files})
    (found,) = load(Root(folder), folders, lambda kind: kind.startswith("aws_"))
    assert not found.problems
    return found


def get(resource: RawResource, path: str) -> Content:
    found = walk(resource.body, path, Scenario())
    if found is None or not isinstance(found.content, Items):
        return None if found is None else found.content
    return str([settle(node, Scenario()).content for node in found.content.nodes])


def test_an_argument_called_type_is_a_text_except_in_a_variable(tmp_path: Path) -> None:
    content = {
        "variable": {"size": {"type": "string", "default": 5}},
        "resource": {"aws_x": {"y": {"type": "MANAGED", "provider": "aws.far", "size": "${var.size}"}}},
        "provider": {"aws": [{"region": "us-east-1"}, {"alias": "far", "region": "sa-east-1"}]},
    }
    (resource,) = project(tmp_path, {"main.tf.json": content}).resources
    assert (get(resource, "type"), get(resource, "size")) == ("MANAGED", "5")
    assert settle(resource.region, Scenario()).content == "sa-east-1"
    assert child(resource.body, "provider", Scenario()) is None


@pytest.mark.parametrize(
    ("body", "path", "wanted"),
    [
        ({"dynamic": {"rule": {"for_each": ["a", "b"], "content": {"key": "${rule.value}"}}}},
         "rule[].key", "['a', 'b']"),
        ({"dynamic": [{"rule": [{"for_each": ["a"], "iterator": "it", "content": {"key": "${it.value}"}}]}]},
         "rule[].key", "['a']"),
        ({"outer": {"inner": {"dynamic": {"rule": {"for_each": ["a"], "content": {"key": "${rule.value}"}}}}}},
         "outer.inner.rule[].key", "['a']"),
        ({"dynamic": {"outer": {"for_each": ["a", "b"], "content": {
            "dynamic": {"inner": {"for_each": [1], "content": {"key": "${outer.value}${inner.value}"}}}}}}},
         "outer[].inner[].key", "['a1', 'b1']"),
        ({"dynamic": "a text"}, "dynamic", "a text"),
        ({"rule": [{"key": "a"}, {"key": "b"}]}, "rule[].key", "['a', 'b']"),
    ],
)  # fmt: skip
def test_dynamic_blocks_wherever_they_stand(tmp_path: Path, body: object, path: str, wanted: str) -> None:
    (resource,) = project(tmp_path, {"main.tf.json": {"resource": {"aws_x": {"y": body}}}}).resources
    assert get(resource, path) == wanted


@pytest.mark.parametrize(
    ("base", "override"),
    [
        (
            'resource "aws_x" "y" {\n  rule { key = "old" }\n}\n',
            {"resource": {"aws_x": {"y": {"rule": {"key": "new"}}}}},
        ),
        (
            {"resource": {"aws_x": {"y": {"rule": [{"key": "old"}]}}}},
            'resource "aws_x" "y" {\n  rule { key = "new" }\n}\n',
        ),
    ],
)
def test_a_block_overrides_an_argument_and_the_other_way_round(tmp_path: Path, base: object, override: object) -> None:
    names = ["main.tf.json" if isinstance(base, dict) else "main.tf"]
    names.append("override.tf.json" if isinstance(override, dict) else "override.tf")
    (resource,) = project(tmp_path, dict(zip(names, (base, override), strict=True))).resources
    assert get(resource, "rule.key") == "new"


def test_a_called_module_with_a_backend_in_json_is_a_root(tmp_path: Path) -> None:
    files = {
        "main.tf.json": {"module": {"m": {"source": "./m", "count": 2}}},
        "m/main.tf.json": {"terraform": {"backend": {"s3": {}}}, "resource": {"aws_x": {"y": {}}}},
    }
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(json.dumps(content), "utf-8")
    found = load(Root(tmp_path), ["", "m"], lambda _: True)
    assert [[one.address for one in each.resources] for each in found] == [
        ["module.m[0].aws_x.y", "module.m[1].aws_x.y"],
        ["aws_x.y"],
    ]
