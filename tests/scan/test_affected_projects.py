"""Changed files select their projects, and nothing of the other projects is parsed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from mlguard.configuration import Configuration, parse_configuration
from mlguard.finding import Report
from mlguard.parse import cloudformation
from mlguard.parse.terraform.reader import read_block
from mlguard.parse.terraform.scanner import ScannedBlock
from mlguard.policy.load import bundled_policies
from mlguard.scan import Options, scan
from mlguard.source import Document, Root

BUCKET = 'resource "aws_s3_bucket" "data" {\n  bucket = "training-data"\n}\n'
TEMPLATE = "Resources:\n  Data:\n    Type: AWS::S3::Bucket\n"
PARENT = (
    "Resources:\n  Child:\n    Type: AWS::CloudFormation::Stack\n    Properties: {TemplateURL: ./nested/child.yaml}\n"
)
FILES = {
    "live/prod/main.tf": f'module "data" {{\n  source = "../../modules/data"\n}}\n{BUCKET}',
    "live/prod/prod.tfvars": 'size = "large"\n',
    "live/dev/main.tf": f'module "data" {{\n  source = "../../modules/outer"\n}}\n{BUCKET}',
    "modules/outer/main.tf": 'module "data" {\n  source = "../data"\n}\n',
    "modules/data/main.tf": BUCKET.replace('"data"', '"inner"'),
    "jobs/main.tf": f'locals {{\n  machine = file("${{path.module}}/machine.asl.json")\n}}\n{BUCKET}',
    "jobs/machine.asl.json": "{}\n",
    "other/machine.asl.json": "{}\n",
    "stacks/parent.yaml": PARENT,
    "stacks/nested/child.yaml": TEMPLATE,
    "stacks/alone.yaml": TEMPLATE,
    "notes.yaml": "see: stacks/alone.yaml\n",
}


def selected(folder: Path, only: Iterable[str], configuration: Configuration | None = None) -> Report:
    """Scan a folder for changed files."""
    policies = tuple(policy for policy in bundled_policies() if policy.id == "bucket-without-lifecycle")
    return scan(
        Options(
            Root(folder),
            policies=policies,
            known=policies,
            configuration=configuration or Configuration(),
            only=frozenset(only),
        )
    )


def written(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Note the files of which something is parsed."""
    seen: set[str] = set()
    load = cloudformation.load

    def noting_block(scanned: ScannedBlock) -> object:
        seen.add(scanned.document.path)
        return read_block(scanned)

    def noting_template(root: Root, document: Document, *rest: object, **more: object) -> object:
        seen.add(document.path)
        return load(root, document, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("mlguard.parse.terraform.configuration.read_block", noting_block)
    monkeypatch.setattr(cloudformation, "load", noting_template)
    return seen


@pytest.mark.parametrize(
    ("only", "projects"),
    [
        (["live/prod/main.tf"], {"live/prod"}),
        (["live/prod/prod.tfvars"], {"live/prod"}),
        (["live/prod/deleted.tf"], {"live/prod"}),
        (["modules/data/main.tf"], {"live/prod", "live/dev"}),
        (["modules/outer/main.tf"], {"live/dev"}),
        (["jobs/machine.asl.json"], {"jobs"}),
        (["other/machine.asl.json"], set()),
        (["stacks/nested/child.yaml"], {"stacks/parent.yaml"}),
        (["stacks/parent.yaml"], {"stacks/parent.yaml"}),
        (["stacks/alone.yaml", "jobs/main.tf"], {"stacks/alone.yaml", "jobs"}),
        (["notes.yaml"], set()),
        ([".mlguard.yaml"], {"live/prod", "live/dev", "jobs", "stacks/parent.yaml", "stacks/alone.yaml"}),
        (["live/.mlguard.yaml"], {"live/prod", "live/dev"}),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else "",
)
def test_changed_files_select_their_projects(tmp_path: Path, only: list[str], projects: set[str]) -> None:
    report = selected(written(tmp_path, FILES), only)
    assert {finding.project for finding in report.findings} == projects
    assert report.counts.projects == len(projects)
    assert not report.problems


@pytest.mark.parametrize(
    ("only", "files"),
    [
        (["jobs/main.tf"], {"jobs/main.tf"}),
        (["stacks/alone.yaml"], {"stacks/alone.yaml"}),
        (["stacks/nested/child.yaml"], {"stacks/parent.yaml"}),
        (["modules/outer/main.tf"], {"live/dev/main.tf", "modules/outer/main.tf", "modules/data/main.tf"}),
        (["notes.yaml"], set()),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else "",
)
def test_other_projects_are_not_parsed(tmp_path: Path, parsed: set[str], only: list[str], files: set[str]) -> None:
    selected(written(tmp_path, FILES), only)
    assert parsed == files


def test_what_is_broken_elsewhere_is_not_told(tmp_path: Path) -> None:
    broken = {"broken/main.tf": 'resource "aws_s3_bucket" {{{\n', "broken.yaml": f"{TEMPLATE}  More: {{Type: [\n"}
    folder = written(tmp_path, FILES | broken)
    assert not selected(folder, ["jobs/main.tf"]).problems
    assert [one.path for one in selected(folder, ["broken.yaml"]).problems] == ["broken.yaml"]
    assert {one.path for one in selected(folder, ["broken/main.tf"]).problems} == {"broken/main.tf"}


@pytest.mark.parametrize(
    ("setting", "only", "projects"),
    [
        ("var_files: [values/all.tfvars]", "values/all.tfvars", {"jobs", "live/dev", "live/prod"}),
        ("environments: {prod: {parameter_files: [values/prod.json]}}", "values/prod.json", {"stacks/sized.yaml"}),
    ],
)
def test_files_of_values_select_the_projects_that_they_are_for(
    tmp_path: Path, setting: str, only: str, projects: set[str]
) -> None:
    sized = f"Parameters:\n  Size: {{Type: String}}\n{TEMPLATE}"
    values = {"values/all.tfvars": 'size = "large"\n', "values/prod.json": '{"Parameters": {"Size": "large"}}'}
    folder = written(tmp_path, FILES | values | {"stacks/sized.yaml": sized})
    report = selected(folder, [only], parse_configuration(Document(".mlguard.yaml", setting)))
    assert {finding.project for finding in report.findings} == projects


def test_a_budget_of_another_project_counts_when_it_may(tmp_path: Path) -> None:
    budget = 'resource "aws_budgets_budget" "all" {\n  budget_type = "COST"\n  limit_amount = "100"\n}\n'
    training = 'resource "aws_sagemaker_notebook_instance" "one" {\n  instance_type = "ml.p4d.24xlarge"\n}\n'
    folder = written(tmp_path, {"account/main.tf": budget, "ml/main.tf": training})
    policies = tuple(policy for policy in bundled_policies() if policy.id == "ml-project-without-budget")
    found = {}
    for budgets in ("project", "repository"):
        configuration = parse_configuration(Document(".mlguard.yaml", f"budgets: {budgets}"))
        options = Options(
            Root(folder), policies=policies, known=policies, configuration=configuration, only=frozenset(["ml/main.tf"])
        )
        found[budgets] = [finding.project for finding in scan(options).findings]
    assert found == {"project": ["ml"], "repository": []}


def test_a_hostile_text_is_searched_in_linear_time(tmp_path: Path) -> None:
    folder = written(tmp_path, {"a.yaml": TEMPLATE + "# " + "a/" * 1_000_000 + "b.json\n", "b.json": "{}"})
    assert not selected(folder, ["b.json"]).findings
