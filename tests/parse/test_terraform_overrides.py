"""Override files replace what Terraform lets them replace, in files of every spelling."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlguard.parse.terraform import load
from mlguard.resource import RawProject, RawResource
from mlguard.scenario import Scenario, explore
from mlguard.source import Root
from mlguard.value import Content, Items, child, settle


def project(folder: Path, files: dict[str, str]) -> RawProject:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    folders = sorted({path.rpartition("/")[0] for path in files})
    (found,) = load(Root(folder), folders, lambda kind: kind.startswith("aws_"))
    assert not found.problems
    return found


def get(resource: RawResource, name: str, scenario: Scenario | None = None) -> Content:
    found = child(resource.body, name, scenario or Scenario())
    return None if found is None else found.content


BASE = """resource "aws_x" "y" {
  type = "old"
  kept = 1
  rule { key = "one" }
  rule { key = "two" }
  other { key = "stays" }
  lifecycle { create_before_destroy = true }
}
"""


@pytest.mark.parametrize("path", ["override.tf", "a_override.tf", "a_override.tofu", "override.tofu", "zz_override.tf"])
def test_arguments_are_replaced_by_name_and_blocks_by_type(tmp_path: Path, path: str) -> None:
    override = (
        'resource "aws_x" "y" {\n  type = "new"\n  rule { key = "three" }\n  lifecycle { prevent_destroy = true }\n}\n'
    )
    (resource,) = project(tmp_path, {"main.tf": BASE, path: override}).resources
    assert (get(resource, "type"), get(resource, "kept")) == ("new", 1)
    rules, others = get(resource, "rule"), get(resource, "other")
    assert isinstance(rules, Items)
    assert isinstance(others, Items)
    keys = [child(node, "key", Scenario()) for node in (*rules.nodes, *others.nodes)]
    assert [key.content for key in keys if key is not None] == ["three", "stays"]
    assert get(resource, "lifecycle") is None


@pytest.mark.parametrize(
    ("base", "override"),
    [
        ('rule { key = "old" }', 'dynamic "rule" {\n    for_each = ["new"]\n    content { key = rule.value }\n  }'),
        ('dynamic "rule" {\n    for_each = ["old"]\n    content { key = rule.value }\n  }', 'rule { key = "new" }'),
    ],
)
def test_a_dynamic_block_is_of_the_type_that_it_generates(tmp_path: Path, base: str, override: str) -> None:
    block = 'resource "aws_x" "y" {{\n  {}\n}}\n'
    files = {"main.tf": block.format(base), "override.tf": block.format(override)}
    rules = get(project(tmp_path, files).resources[0], "rule")
    assert isinstance(rules, Items)
    assert [found.content for node in rules.nodes if (found := child(node, "key", Scenario()))] == ["new"]


def test_later_override_files_win_and_json_counts(tmp_path: Path) -> None:
    files = {
        "main.tf": BASE,
        "a_override.tf": 'resource "aws_x" "y" {\n  type = "a"\n  kept = 2\n}\n',
        "b_override.tf.json": '{"resource": {"aws_x": {"y": {"type": "b"}}}}',
    }
    (resource,) = project(tmp_path, files).resources
    assert (get(resource, "type"), get(resource, "kept")) == ("b", 2)


def test_variables_and_locals_are_overridden_one_by_one(tmp_path: Path) -> None:
    files = {
        "main.tf": 'variable "v" {\n  type = string\n  default = "old"\n  validation {\n'
        '    condition = contains(["old", "new"], var.v)\n    error_message = "x"\n  }\n}\n'
        'locals {\n  a = "old"\n  b = "stays"\n}\nresource "aws_x" "y" {\n'
        "  v = var.v\n  a = local.a\n  b = local.b\n}\n",
        "main_override.tf": 'variable "v" {\n  default = "new"\n}\nlocals {\n  a = "new"\n}\n',
    }
    (resource,) = project(tmp_path, files).resources
    assert [get(resource, name) for name in "vab"] == ["new", "new", "stays"]
    values = [outcome.result for outcome in explore(lambda scenario: get(resource, "v", scenario))]
    assert values == ["new", "old"]  # the domain of the base file holds


def test_a_provider_is_overridden_by_its_alias(tmp_path: Path) -> None:
    files = {
        "main.tf": 'provider "aws" {\n  region = "us-east-1"\n}\nprovider "aws" {\n  alias = "far"\n'
        '  region = "us-west-2"\n}\nresource "aws_x" "near" {}\nresource "aws_x" "far" {\n  provider = aws.far\n}\n',
        "override.tf": 'provider "aws" {\n  alias  = "far"\n  region = "sa-east-1"\n}\n',
    }
    regions = [settle(one.region, Scenario()).content for one in project(tmp_path, files).resources]
    assert regions == ["us-east-1", "sa-east-1"]


def test_the_source_of_a_module_and_its_count_are_overridden(tmp_path: Path) -> None:
    module = 'resource "aws_x" "{}" {{}}\n'
    files = {
        "main.tf": 'module "m" {\n  source = "acme/x/aws"\n}\n',
        "override.tf": 'module "m" {\n  source = "./local"\n  count = 2\n}\n',
        "local/main.tf": module.format("here"),
    }
    found = project(tmp_path, files)
    assert [one.address for one in found.resources] == ["module.m[0].aws_x.here", "module.m[1].aws_x.here"]
    assert not found.gaps


def test_what_an_override_adds_without_a_base_is_not_there(tmp_path: Path) -> None:
    files = {"main.tf": BASE, "override.tf": 'resource "aws_x" "extra" {}\n'}
    assert [one.address for one in project(tmp_path, files).resources] == ["aws_x.y"]


def test_a_tofu_file_shadows_the_terraform_file_of_its_name(tmp_path: Path) -> None:
    block = 'resource "aws_x" "{}" {{}}\n'
    files = {
        "a.tf": block.format("a_tf"),
        "a.tofu": block.format("a_tofu"),
        "b.tf.json": '{"resource": {"aws_x": {"b_tf": {}}}}',
        "b.tofu.json": '{"resource": {"aws_x": {"b_tofu": {}}}}',
        "c.tofu.tf": block.format("c_tf"),
        "d.tf": block.format("d"),
        "d.tofu.json": '{"resource": {"aws_x": {"d_json": {}}}}',
    }
    names = [one.address.partition(".")[2] for one in project(tmp_path, files).resources]
    assert names == ["a_tofu", "b_tofu", "c_tf", "d", "d_json"]


def test_an_argument_called_count_inside_of_a_value_repeats_nothing(tmp_path: Path) -> None:
    files = {
        "main.tf": 'resource "aws_x" "y" {\n  sizes = {\n    count = 3\n    source = "elsewhere"\n  }\n}\n'
        'resource "aws_z" "z" {\n  x = aws_x.y.id\n}\n'
        'module "m" {\n  sizes = {\n    source = "elsewhere"\n    count = 2\n  }\n  source = "./m"\n}\n',
        "m/main.tf": 'resource "aws_x" "inner" {}\n',
    }
    found = project(tmp_path, files)
    assert [one.address for one in found.resources] == ["aws_x.y", "aws_z.z", "module.m.aws_x.inner"]
    assert str(get(found.resources[1], "x")).startswith("Reference(address='aws_x.y'")
