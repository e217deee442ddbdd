"""What a plan means: the text of `terraform show -json` in, verdicts with places and origins out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from mlguard.finding import Report
from mlguard.parse.terraform.plan import Plans, load_plans
from mlguard.policy.load import bundled_policies
from mlguard.render.advice import dialect
from mlguard.resource import RawResource
from mlguard.scan import Options, scan
from mlguard.scenario import Scenario
from mlguard.source import Root
from mlguard.value import Entries, Items, Node, Reference, Unknown, references_in, settle

FIXTURES = Path(__file__).parents[2] / "fixtures" / "plan"
WORKBENCH = FIXTURES / "workbench"
PLAN = json.loads((WORKBENCH / "plan.json").read_text(encoding="utf-8"))
JUDGED = {
    "bucket-without-lifecycle",
    "budget-without-subscribers",
    "cluster-without-auto-termination",
    "instance-type-not-allowed",
    "instance-type-unconstrained",
    "log-group-without-retention",
    "ml-project-without-budget",
    "notebook-without-lifecycle-config",
    "premium-accelerator-in-nonproduction",
    "premium-region",
    "studio-without-idle-shutdown",
    "training-without-spot",
}  # what is expected below speaks of these, a new policy has its own examples
HIDDEN = "ml.g5.4xlarge"  # the value of the sensitive variable


def judge(folder: Path, *paths: str, plans: tuple[str, ...] = (), **more: Any) -> Report:  # noqa: ANN401
    judged = tuple(policy for policy in bundled_policies() if policy.id in JUDGED)
    return scan(Options(Root(folder), paths, plans, judged, bundled_policies(), **more))


def told(report: Report) -> set[tuple[str, str]]:
    assert not report.problems, [str(one) for one in report.problems]
    return {(one.policy.id, one.resource) for one in report.findings if one.suppressed is None}


def place(report: Report, policy: str, resource: str) -> tuple[str, int]:
    (found,) = (one for one in report.findings if (one.policy.id, one.resource) == (policy, resource))
    return found.at.path, found.at.line


def line_of(path: Path, text: str) -> int:
    lines = path.read_text(encoding="utf-8").split("\n")
    (number,) = (index for index, line in enumerate(lines, 1) if text in line)
    return number


@pytest.fixture
def workbench(tmp_path: Path) -> Path:
    """Give a copy of the project with its plan."""
    shutil.copytree(WORKBENCH, tmp_path / "ml")
    return tmp_path


EXPECTED = {
    ("bucket-without-lifecycle", "module.archive.aws_s3_bucket.this[0]"),
    ("bucket-without-lifecycle", 'aws_s3_bucket.data["models"]'),
    ("studio-without-idle-shutdown", "aws_sagemaker_domain.studio"),
    ("instance-type-not-allowed", "aws_sagemaker_domain.studio"),
    ("instance-type-not-allowed", 'module.notebook["ben"].aws_sagemaker_notebook_instance.this'),
    ("cluster-without-auto-termination", "aws_emr_cluster.features"),
    ("log-group-without-retention", "aws_cloudwatch_log_group.training"),
    ("budget-without-subscribers", "aws_budgets_budget.ml"),
}
OF_THE_CODE = ("instance-type-unconstrained", "aws_sagemaker_notebook_instance.shared")
IGNORED = ("notebook-without-lifecycle-config", "aws_sagemaker_notebook_instance.shared")


def test_findings_of_a_plan_stand_in_its_configuration(workbench: Path) -> None:
    report = judge(workbench, "ml")
    assert told(report) == {*EXPECTED, OF_THE_CODE}
    main = workbench / "ml" / "main.tf"
    wanted = {
        ("studio-without-idle-shutdown", "aws_sagemaker_domain.studio"): "default_user_settings {",
        ("instance-type-not-allowed", "aws_sagemaker_domain.studio"): '"ml.g5.48xlarge"',
        ("cluster-without-auto-termination", "aws_emr_cluster.features"): '"aws_emr_cluster" "features"',
        ("bucket-without-lifecycle", 'aws_s3_bucket.data["models"]'): '"aws_s3_bucket" "data"',
        ("bucket-without-lifecycle", "module.archive.aws_s3_bucket.this[0]"): 'module "archive"',
    }
    for (policy, resource), text in wanted.items():
        assert place(report, policy, resource) == ("ml/main.tf", line_of(main, text))


def test_a_value_of_a_module_leads_to_its_call(workbench: Path) -> None:
    report = judge(workbench, "ml")
    (found,) = (one for one in report.findings if "ben" in one.resource)
    assert found.at.path == "ml/notebook/main.tf"
    assert {(one.what, one.span.path) for one in found.related} >= {
        ('argument "instance_type" of module "notebook"', "ml/main.tf"),
        ("called here", "ml/main.tf"),
    }


def test_an_ignore_in_the_configuration_counts(workbench: Path) -> None:
    report = judge(workbench, "ml")
    (found,) = (one for one in report.findings if (one.policy.id, one.resource) == IGNORED)
    assert found.suppressed is not None
    assert found.suppressed.at.path == "ml/main.tf"
    assert not [note for note in report.notes if "ignore" in note]


def test_a_plan_alone_gives_the_same_verdicts_at_its_own_lines(tmp_path: Path) -> None:
    text = json.dumps(PLAN, indent=2)
    (tmp_path / "tfplan.json").write_text(text, encoding="utf-8")
    report = judge(tmp_path, "")
    assert told(report) == {*EXPECTED, IGNORED}
    lines = text.split("\n")
    for finding in report.findings:
        assert finding.at.path == "tfplan.json"
        kinds = ('"address":', '"instance_type":', "{", "settings", "policy")
        assert any(kind in lines[finding.at.line - 1] for kind in kinds), lines[finding.at.line - 1]
    assert ("tfplan.json", lines.index('                        "instance_type": "ml.g5.48xlarge",') + 1) == place(
        report, "instance-type-not-allowed", "aws_sagemaker_domain.studio"
    )


@pytest.mark.parametrize(
    ("actions", "there"),
    [
        (["no-op"], True),
        (["create"], True),
        (["update"], True),
        (["delete", "create"], True),
        (["create", "delete"], True),
        (["create", "forget"], True),
        (["delete"], False),
        (["forget"], False),
    ],
)
def test_what_goes_away_is_not_reported(workbench: Path, actions: list[str], there: bool) -> None:  # noqa: FBT001
    address = 'module.notebook["ben"].aws_sagemaker_notebook_instance.this'

    def change(plan: dict[str, Any]) -> None:
        (one,) = (one for one in plan["resource_changes"] if one["address"] == address)
        one["change"]["actions"] = actions

    (workbench / "ml/plan.json").write_text(edited(change), encoding="utf-8")
    resources = {one.resource for one in judge(workbench, "ml").findings}
    assert (address in resources) is there
    assert "aws_sagemaker_notebook_instance.old" not in resources


@pytest.mark.parametrize("layout", [{"indent": 2}, {"separators": (",", ":")}])
@pytest.mark.parametrize("beside", [True, False])
def test_sensitive_values_are_in_no_report(workbench: Path, layout: Mapping[str, Any], beside: bool) -> None:  # noqa: FBT001
    from mlguard.render import renderer  # noqa: PLC0415  (each format, once)

    plan = workbench / "ml" / "plan.json"

    def copied(changed: dict[str, Any]) -> None:
        (one,) = (one for one in changed["planned_values"]["root_module"]["resources"] if one["name"] == "studio")
        one["values"]["default_user_settings"][0]["jupyter_lab_app_settings"][0]["default_resource_spec"][0] = {
            "instance_type": HIDDEN
        }

    text = json.dumps(json.loads(edited(copied)), **layout)
    plan.write_text(text, encoding="utf-8")
    if not beside:
        plan.rename(workbench / "plan.json")
        shutil.rmtree(workbench / "ml")
    report = judge(workbench, "")
    assert "its value is sensitive" in {one.because for one in report.undecided}
    assert text.count(HIDDEN) == 4  # variable, planned value, change, and a copy without a mark
    for name in ("text", "json", "sarif", "github", "markdown"):
        assert HIDDEN not in renderer(name)(report)


def test_the_region_and_the_environment_are_those_of_the_plan(workbench: Path) -> None:
    report = judge(workbench, "ml")
    assert {one.environment for one in report.findings} == {"production"}
    text = json.dumps(PLAN).replace("us-west-2", "sa-east-1")
    (workbench / "ml/plan.json").write_text(text, encoding="utf-8")
    premium = {one.resource for one in judge(workbench, "ml").findings if one.policy.id == "premium-region"}
    assert 'module.notebook["ben"].aws_sagemaker_notebook_instance.this' in premium


# Which configuration a plan stands for


def test_a_configuration_is_judged_once(workbench: Path) -> None:
    with_plan = judge(workbench, "ml")
    assert with_plan.counts.projects == 1
    assert "ml/plan.json: this plan stands for the configuration in ml" in with_plan.notes
    assert told(judge(workbench, plans=("ml/plan.json",))) == told(with_plan)
    assert told(judge(workbench, "ml/plan.json")) == told(with_plan)
    (workbench / "ml/plan.json").rename(workbench / "plan.json")
    assert told(judge(workbench, "ml", plans=("plan.json",))) == told(with_plan)  # among the scanned folders
    assert judge(workbench, "ml", plans=("plan.json",)).counts.projects == 1


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('"aws_emr_cluster" "features"', '"aws_emr_cluster" "renamed"', "other resources are declared there"),
        ('"p4d.24xlarge"', '"p5.48xlarge"', "core_instance_group.instance_type of aws_emr_cluster.features"),
        ('"emr-7.5.0"', '"emr-7.6.0"', "release_label of aws_emr_cluster.features has another value there"),
    ],
)
def test_a_plan_does_not_stand_for_code_that_has_changed(workbench: Path, before: str, after: str, said: str) -> None:
    main = workbench / "ml/main.tf"
    main.write_text(main.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
    report = judge(workbench, "ml")
    assert report.counts.projects == 2
    assert any("which is judged too" in note and said in note for note in report.notes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda plan: plan.update(complete=False), "the plan is not complete, as with -target"),
        (lambda plan: plan.update(planned_values={}, resource_changes=[]), "nothing is planned"),
    ],
)
def test_a_plan_of_a_part_does_not_stand_for_the_whole(
    workbench: Path, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    (workbench / "ml/plan.json").write_text(edited(change), encoding="utf-8")
    report = judge(workbench, "ml")
    assert report.counts.projects == 2
    assert any("which is judged too" in note and said in note for note in report.notes)
    assert ("cluster-without-auto-termination", "aws_emr_cluster.features") in told(report)


def test_of_two_equal_configurations_none_is_guessed(workbench: Path) -> None:
    shutil.copytree(workbench / "ml", workbench / "other")
    (workbench / "other/plan.json").unlink()
    (workbench / "ml/plan.json").rename(workbench / "plan.json")
    report = judge(workbench, "")
    assert report.counts.projects == 3
    assert any("may be of any of ml, other: put it into the folder" in note for note in report.notes)


def test_a_plan_outside_of_the_scanned_folder_is_read_when_it_is_named(workbench: Path) -> None:
    (workbench / "ml/plan.json").rename(workbench / "plan.json")
    report = judge(workbench / "ml", "", plans=("../plan.json",))
    assert told(report) == {*EXPECTED, OF_THE_CODE}
    assert report.counts.projects == 1


def test_a_changed_file_selects_the_plan_of_its_project(workbench: Path) -> None:
    for name in ("ml/plan.json", "ml/main.tf", "ml/notebook/main.tf"):
        assert told(judge(workbench, "", only=frozenset([name]))) == {*EXPECTED, OF_THE_CODE}
    assert not judge(workbench, "", only=frozenset(["other.tf"])).counts.projects


# The plan that Terraform itself made


def structure(folder: Path) -> Plans:
    (folder / "plan.json").write_bytes((FIXTURES / "structure/plan.json").read_bytes())
    return load_plans(Root(folder), ["plan.json"], [], [], lambda _: True)


def argument(resource: RawResource, *keys: str | int) -> Node:
    node = settle(resource.body, Scenario())
    for key in ("input", *keys):
        content = node.content
        assert isinstance(content, Entries | Items)
        below = content.nodes[key]  # type: ignore[index]
        node = settle(below, Scenario())
    return node


ADDRESSES = [
    "terraform_data.base",
    "terraform_data.companion[0]",
    "terraform_data.companion[1]",
    "terraform_data.counted[0]",
    "terraform_data.counted[1]",
    "terraform_data.dyn",
    "terraform_data.viaLocal",
    *(
        f'module.{call}.terraform_data.{name}["{key}"]'
        for call in ('m["a"]', 'm["b"]', "one")
        for name in ("follow2", "follow", "in_mod")
        for key in ('q\\"uote', "x.y")
    ),
]


@pytest.mark.parametrize("beside", [True, False])
def test_the_structure_of_a_real_plan(tmp_path: Path, beside: bool) -> None:  # noqa: FBT001
    if beside:
        shutil.copytree(FIXTURES / "structure", tmp_path, dirs_exist_ok=True)
    plans = structure(tmp_path)
    assert not plans.problems
    (project,) = plans.projects
    assert [one.address for one in project.resources] == ADDRESSES
    found = {one.address: one for one in project.resources}
    assert argument(found["terraform_data.base"], "type").content == "ml.t3.medium"
    assert argument(found["terraform_data.base"], "who").content == Unknown("its value is sensitive")
    follows = {
        "terraform_data.companion[1]": "terraform_data.counted[1]",
        'module.m["b"].terraform_data.follow["x.y"]': 'module.m["b"].terraform_data.in_mod["x.y"]',
        'module.m["a"].terraform_data.follow2["q\\"uote"]': 'module.m["a"].terraform_data.in_mod["q\\"uote"]',
    }
    for address, target in follows.items():
        content = argument(found[address]).content
        assert isinstance(content, Reference)
        assert content.address == target
    partly = argument(found["terraform_data.counted[0]"]).content
    assert isinstance(partly, Unknown)
    assert [one.address for one in partly.references] == ["terraform_data.base"]
    across = argument(found['module.one.terraform_data.in_mod["x.y"]'], "up")
    assert [one.address for one in references_in(across, Scenario())] == ['module.m["a"].terraform_data.in_mod["x.y"]']
    known = argument(found['module.m["b"].terraform_data.in_mod["x.y"]'], "whole", "k", 1)
    assert known.content == "b"
    assert known.span.path == ("main.tf" if beside else "plan.json")
    assert (plans.roots == {""}) is beside
    through_local = argument(found["terraform_data.viaLocal"]).content
    assert through_local == (
        Reference("terraform_data.base", "id")
        if beside
        else Unknown("known after apply: the plan does not tell local.l")
    )


SYMBOLIC = """\
data "aws_ssm_parameters_by_path" "all" {
  path = "/ml"
}

resource "aws_s3_bucket" "b" {
  for_each      = toset(data.aws_ssm_parameters_by_path.all.names)
  bucket_prefix = "ml-"
}

resource "aws_s3_bucket_lifecycle_configuration" "b" {
  for_each = toset(data.aws_ssm_parameters_by_path.all.names)
  bucket   = aws_s3_bucket.b[each.key].id

  rule {
    id     = "x"
    status = "Enabled"

    expiration {
      days = 3
    }
  }
}
"""


def bucket_plan() -> dict[str, Any]:
    """Give the plan of SYMBOLIC: two buckets, one rule, since the second bucket's own was targeted away."""
    rule = {"id": "x", "status": "Enabled", "expiration": [{"days": 3}]}
    values = {"aws_s3_bucket": {"bucket_prefix": "ml-"}, "aws_s3_bucket_lifecycle_configuration": {"rule": [rule]}}
    both = [("aws_s3_bucket", "one"), ("aws_s3_bucket", "two"), ("aws_s3_bucket_lifecycle_configuration", "two")]
    resources, changes = [], []
    for kind, key in both:
        head = {"address": f'{kind}.b["{key}"]', "mode": "managed", "type": kind, "name": "b", "index": key}
        resources.append({**head, "values": values[kind]})
        unknown = {"bucket": True, "id": True, "lifecycle_rule": True}
        changes.append({**head, "change": {"actions": ["create"], "after_unknown": unknown}})
    names = {"references": ["data.aws_ssm_parameters_by_path.all.names", "data.aws_ssm_parameters_by_path.all"]}
    bucket = {"references": ["aws_s3_bucket.b", "each.key"]}
    written = [
        {"address": "aws_s3_bucket.b", "mode": "managed", "expressions": {"bucket_prefix": {"constant_value": "ml-"}}},
        {
            "address": "aws_s3_bucket_lifecycle_configuration.b",
            "mode": "managed",
            "expressions": {"bucket": bucket, "rule": [{"status": {"constant_value": "Enabled"}}]},
        },
    ]
    return {
        "format_version": "1.2",
        "planned_values": {"root_module": {"resources": resources}},
        "resource_changes": changes,
        "configuration": {"root_module": {"resources": [{**one, "for_each_expression": names} for one in written]}},
    }


@pytest.mark.parametrize("beside", [True, False])
def test_instances_whose_keys_only_the_plan_knows(tmp_path: Path, beside: bool) -> None:  # noqa: FBT001
    (tmp_path / "ml").mkdir()
    (tmp_path / "ml/plan.json").write_text(json.dumps(bucket_plan(), indent=2), encoding="utf-8")
    if beside:
        (tmp_path / "ml/main.tf").write_text(SYMBOLIC, encoding="utf-8")
    report = judge(tmp_path, "ml", environment="production")
    lifecycle = [one for one in report.findings if one.policy.id == "bucket-without-lifecycle"]
    assert [one.resource for one in lifecycle] == ['aws_s3_bucket.b["one"]']
    assert lifecycle[0].at.path == ("ml/main.tf" if beside else "ml/plan.json")
    assert report.counts.projects == 1
    assert not [one for one in report.undecided if one.policy.id == "bucket-without-lifecycle"]


PIPELINE = """\
resource "aws_iam_role" "ml" {
  name = "ml"
}

resource "aws_sagemaker_pipeline" "train" {
  pipeline_name = "train"
  pipeline_definition = jsonencode({
    Version = "2020-12-01"
    Steps = [{
      Name = "Train"
      Type = "Training"
      Arguments = {
        RoleArn        = aws_iam_role.ml.arn
        ResourceConfig = { InstanceType = "ml.p4d.24xlarge", InstanceCount = 1, VolumeSizeInGB = 30 }
      }
    }]
  })
}
"""
STEP = {
    "Name": "Train",
    "Type": "Training",
    "Arguments": {"ResourceConfig": {"InstanceType": "ml.p4d.24xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30}},
}


@pytest.mark.parametrize("known", [True, False])
def test_jobs_inside_of_a_planned_pipeline(tmp_path: Path, plan_of: Callable[[Path], str], known: bool) -> None:  # noqa: FBT001
    (tmp_path / "main.tf").write_text(PIPELINE, encoding="utf-8")
    plan = json.loads(plan_of(tmp_path))
    pipeline = plan["planned_values"]["root_module"]["resources"][1]
    assert "pipeline_definition" not in pipeline["values"]
    if known:  # as in a plan of what is deployed already; by itself
        pipeline["values"]["pipeline_definition"] = json.dumps({"Version": "2020-12-01", "Steps": [STEP]})
        plan["resource_changes"][1]["change"]["after_unknown"].pop("pipeline_definition")
        (tmp_path / "main.tf").unlink()
    (tmp_path / "plan.json").write_text(json.dumps(plan, indent=2), encoding="utf-8")
    report = judge(tmp_path, "")
    jobs = {one.policy.id: one for one in report.findings if "/" in one.resource}
    assert {"training-without-spot", "premium-accelerator-in-nonproduction"} <= jobs.keys()
    assert jobs["training-without-spot"].at.path == ("plan.json" if known else "main.tf")
    assert dialect(jobs["training-without-spot"]) == "terraform"


# What is no plan, and what is broken


def edited(change: Callable[[dict[str, Any]], object]) -> str:
    plan = json.loads(json.dumps(PLAN))
    change(plan)
    return json.dumps(plan, indent=2)


STATE = {"format_version": "1.0", "terraform_version": "1.11.4", "values": {"root_module": {"resources": []}}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (json.dumps(STATE), "a state, there are no planned values in it: run `terraform plan -out=tfplan`"),
        ('{"version": 4, "terraform_version": "1.11.4", "serial": 3, "lineage": "x"}', "a state file, not a plan"),
        ('{"@level":"info","@message":"Terraform 1.11.4"}\n{"@level":"info"}\n', "the log of `terraform plan -json`"),
        (b"PK\x03\x04binary\0", "run `terraform show -json plan.json > plan.json`"),
        (
            edited(lambda plan: plan.update(format_version="2.0")),
            "format_version 2.0 is newer than mlguard reads (1.x)",
        ),
        (edited(lambda plan: plan.update(format_version=1)), "not the output of `terraform show -json`"),
        ("{}", "not the output of `terraform show -json`"),
        ("[1]", "not the output of `terraform show -json`"),
        ("", "not valid JSON"),
        (json.dumps(PLAN)[:-2000], "not valid JSON"),
        (json.dumps(PLAN)[:-9], "not valid JSON"),
        ('{"format_version": "1.2", "planned_values": ' + "[" * 100_000, "nested deeper than"),
        ('{"format_version": "1.2", "prior_state": ' + "[" * 1_000_000, "nested deeper than"),
        (edited(lambda plan: plan.update(planned_values=[])), "an object was expected here"),
        (edited(lambda plan: plan["planned_values"].update(root_module=3)), "an object was expected here"),
        (edited(lambda plan: plan["planned_values"]["root_module"].update(resources={})), "a list was expected here"),
        (edited(lambda plan: plan.update(resource_changes="x")), "a list was expected here"),
        (edited(lambda plan: plan["resource_changes"].append(3)), "a resource without an address and a type"),
        (edited(lambda plan: plan["resource_changes"][0].pop("address")), "a resource without an address and a type"),
    ],
)
def test_a_file_that_is_called_a_plan_and_is_none_is_a_problem(tmp_path: Path, text: str | bytes, said: str) -> None:
    (tmp_path / "plan.json").write_bytes(text.encode() if isinstance(text, str) else text)
    report = judge(tmp_path, plans=("plan.json",))
    (problem,) = report.problems
    assert problem.path == "plan.json"
    assert said in problem.message


@pytest.mark.parametrize(
    "text",
    [json.dumps(STATE), json.dumps({"plan": PLAN}), json.dumps([PLAN]), '{"a": "\\"format_version\\""}'],
)
def test_a_file_that_only_looks_like_a_plan_is_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "some.json").write_text(text, encoding="utf-8")
    report = judge(tmp_path, "")
    assert not report.problems
    assert (report.counts.skipped, report.counts.projects) == (1, 0)


SHAPES: tuple[Any, ...] = (None, 3, [], ["x"], {"a": 3})
KEYS = (
    ("variables",),
    ("configuration",),
    ("configuration", "provider_config"),
    ("configuration", "provider_config", "aws"),
    ("configuration", "provider_config", "aws", "expressions", "region"),
    ("configuration", "provider_config", "aws", "expressions", "default_tags"),
    ("configuration", "root_module", "module_calls"),
    ("configuration", "root_module", "resources"),
    ("configuration", "root_module", "variables"),
    ("configuration", "root_module", "module_calls", "notebook", "expressions"),
    ("configuration", "root_module", "module_calls", "notebook", "module"),
    ("complete",),
    ("errored",),
    ("deferred_changes",),
)


@pytest.mark.parametrize("keys", KEYS, ids=".".join)
@pytest.mark.parametrize("beside", [True, False])
def test_parts_of_any_shape_hide_nothing_else(workbench: Path, keys: tuple[str, ...], beside: bool) -> None:  # noqa: FBT001
    if not beside:
        (workbench / "ml/main.tf").unlink()
    for shape in SHAPES:
        plan = json.loads(json.dumps(PLAN))
        node = plan
        for key in keys[:-1]:
            node = node[key]
        node[keys[-1]] = shape
        (workbench / "ml/plan.json").write_text(json.dumps(plan), encoding="utf-8")
        report = judge(workbench, plans=("ml/plan.json",))
        assert not report.problems
        assert ("cluster-without-auto-termination", "aws_emr_cluster.features") in told(report) | {
            (one.policy.id, one.resource) for one in report.undecided
        }


@pytest.mark.parametrize("part", ["values", "sensitive_values", "index", "name", "mode"])
def test_parts_of_a_resource_may_have_any_shape(tmp_path: Path, part: str) -> None:
    for shape in SHAPES:
        for name in ("change", "address"):
            plan = json.loads(json.dumps(PLAN))
            plan["planned_values"]["root_module"]["resources"][2][part] = shape
            if name == "change":
                plan["resource_changes"][2]["change"] = shape
            (tmp_path / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
            report = judge(tmp_path, plans=("plan.json",))
            assert ("instance-type-not-allowed", "aws_sagemaker_domain.studio") in told(report)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"errored": True}, "planning ended with an error"),
        ({"complete": False}, "the plan is not complete, as with -target"),
        ({"deferred_changes": [{"reason": "x"}]}, "the plan defers changes to a later run"),
    ],
)
def test_what_a_plan_may_lack_is_said(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    budget = edited(lambda plan: plan.update(change))
    without = json.loads(budget)
    root = without["planned_values"]["root_module"]
    root["resources"] = [one for one in root["resources"] if one["type"] != "aws_budgets_budget"]
    without["resource_changes"] = [one for one in without["resource_changes"] if one["type"] != "aws_budgets_budget"]
    (tmp_path / "plan.json").write_text(json.dumps(without), encoding="utf-8")
    report = judge(tmp_path, plans=("plan.json",))
    assert any(said in note for note in report.notes)
    assert ("ml-project-without-budget", "") not in told(report)
    assert any(said in one.because for one in report.undecided)


def test_of_a_resource_without_values_nothing_is_said(tmp_path: Path) -> None:
    def change(plan: dict[str, Any]) -> None:
        for one in plan["planned_values"]["root_module"]["resources"]:
            one.pop("values")

    (tmp_path / "plan.json").write_text(edited(change), encoding="utf-8")
    found = {resource for _, resource in told(judge(tmp_path, ""))}
    assert not [one for one in found if one and not one.startswith("module.")]


def test_a_plan_in_utf_16_is_read(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_bytes(json.dumps(PLAN).encode("utf-16"))
    assert told(judge(tmp_path, "")) == {*EXPECTED, IGNORED}


def test_a_large_plan_is_read_when_it_is_named(tmp_path: Path) -> None:
    text = edited(lambda plan: plan["prior_state"].update(padding="x" * 11_000_000))
    (tmp_path / "plan.json").write_text(text, encoding="utf-8")
    (problem,) = judge(tmp_path, "").problems
    assert "larger than 10,000,000 bytes" in problem.message
    assert "--plan" in problem.message
    assert told(judge(tmp_path, plans=("plan.json",))) == {*EXPECTED, IGNORED}


def test_an_older_plan_without_planned_values_is_read_by_its_changes(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(edited(lambda plan: plan.pop("planned_values")), encoding="utf-8")
    assert told(judge(tmp_path, "")) == {*EXPECTED, IGNORED}


def test_without_a_configuration_what_is_not_known_stays_open(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(edited(lambda plan: plan.pop("configuration")), encoding="utf-8")
    report = judge(tmp_path, "")
    assert ("bucket-without-lifecycle", 'aws_s3_bucket.data["models"]') not in told(report)
    open_ones = {(one.policy.id, one.resource): one.because for one in report.undecided}
    assert "known after apply" in open_ones["bucket-without-lifecycle", 'aws_s3_bucket.data["models"]']
