"""Cloud assemblies: stacks, stages, constructs with their source lines, and paths that stay inside."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlguard.finding import Report
from mlguard.policy.model import Policy

Scan = Callable[..., Report]
Make = Callable[..., Policy]
SOURCE = "\n" * 11 + "    notebook = CfnNotebookInstance(self, 'Nb')\n"


def resource(value: object = "ml.p4d.24xlarge", **metadata: str) -> dict[str, Any]:
    """Give a notebook as the CDK writes it."""
    properties = {"InstanceType": value}
    return {"Type": "AWS::SageMaker::NotebookInstance", "Properties": properties, "Metadata": metadata}


def stack(template: str, **properties: object) -> dict[str, Any]:
    """Give the artifact of a stack."""
    return {"type": "aws:cloudformation:stack", "properties": {"templateFile": template, **properties}}


def assembly(folder: str = "cdk.out", **artifacts: object) -> dict[str, str]:
    """Give the files of an assembly."""
    return {
        f"{folder}/manifest.json": json.dumps({"version": "38.0.0", "artifacts": artifacts}),
        f"{folder}/cdk.out": "{}",
    }


def template(**resources: object) -> str:
    """Give a template's text."""
    return json.dumps({"Resources": resources}, indent=1)


def test_a_stack_is_read_with_its_place_and_construct(scanned: Scan) -> None:
    nb = resource(**{"aws:cdk:path": "Train/Nb/Resource"})
    files = {**assembly(Train=stack("Train.template.json")), "cdk.out/Train.template.json": template(Nb=nb)}
    report = scanned(files)
    (finding,) = report.findings
    assert (finding.at.path, finding.resource, finding.construct) == (
        "cdk.out/Train.template.json", "Train/Nb", "Train/Nb/Resource",
    )  # fmt: skip
    assert "InstanceType" in files[finding.at.path].split("\n")[finding.at.line - 1]
    assert report.counts.projects == 1
    assert any("cdk synth" in note for note in report.notes)


@pytest.mark.parametrize(
    "trace", ["/home/someone/project/app/stack.py:12:5", "app/stack.py:12", "at new X (/x/app/stack.py:12:5)"]
)
def test_the_line_of_the_author_is_where_the_finding_stands(scanned: Scan, trace: str) -> None:
    data = [{"type": "aws:cdk:logicalId", "data": "Nb", "trace": ["node_modules/aws-cdk-lib/x.js:1:1", trace]}]
    artifact = {**stack("T.template.json"), "metadata": {"/T/Nb/Resource": data}}
    nb = resource(**{"aws:cdk:path": "T/Nb/Resource"})
    files = {**assembly(T=artifact), "cdk.out/T.template.json": template(Nb=nb), "app/stack.py": SOURCE}
    (finding,) = scanned(files).findings
    assert (finding.at.path, finding.at.line) == ("app/stack.py", 12)
    assert ("synthesized here", "cdk.out/T.template.json") in [(one.what, one.span.path) for one in finding.related]


@pytest.mark.parametrize(
    "trace", ["../../../etc/passwd:1:1", "/etc/passwd:1:1", "app/stack.py:99999:1", "x" * 5000, "app/none.py:1:1"]
)
def test_a_trace_that_leads_nowhere_is_passed_over(scanned: Scan, trace: str) -> None:
    data = [{"type": "aws:cdk:logicalId", "data": "Nb", "trace": [trace, 3, None]}]
    artifact = {**stack("T.template.json"), "metadata": {"/T/Nb": data, "/x": 3, "/y": [4]}}
    nb = resource(**{"aws:cdk:path": "T/Nb"})
    files = {**assembly(T=artifact), "cdk.out/T.template.json": template(Nb=nb), "app/stack.py": SOURCE}
    (finding,) = scanned(files).findings
    assert finding.at.path == "cdk.out/T.template.json"


def test_stages_and_parameters_and_regions(scanned: Scan, make_policy: Make) -> None:
    region = make_policy("applies_to: sagemaker.notebook_instance\nrequire: {region: {in: [us-*]}}\n")
    inner = {**stack("Prod.template.json", parameters={"Kind": "ml.p4d.24xlarge"}), "environment": "aws://1/eu-west-1"}
    stage = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Stage"}}
    body = {"Parameters": {"Kind": {"Type": "String"}}, "Resources": {"Nb": resource({"Ref": "Kind"})}}
    files = {
        **assembly(Stage=stage),
        **assembly("cdk.out/assembly-Stage", Prod=inner),
        "cdk.out/assembly-Stage/Prod.template.json": json.dumps(body),
    }
    (finding,) = scanned(files).findings
    assert "ml.p4d.24xlarge" in finding.message
    (finding,) = scanned(files, region).findings
    assert "eu-west-1" in finding.message


def test_an_acknowledged_rule_is_an_ignore_with_its_reason(scanned: Scan) -> None:
    data = [{"type": "aws:cdk:acknowledged-rules", "data": {"mlguard::cheap": "agreed"}}]
    artifact = {**stack("T.template.json"), "metadata": {"/T": data}}
    nb = resource(**{"aws:cdk:path": "T/Nb/Resource"})
    report = scanned({**assembly(T=artifact), "cdk.out/T.template.json": template(Nb=nb)})
    assert not report.counted()
    (finding,) = report.findings
    assert finding.suppressed is not None
    assert finding.suppressed.reason == "agreed"


@pytest.mark.parametrize(
    "artifact",
    [
        stack("../outside.template.json"),
        stack("/etc/passwd"),
        stack("none.template.json"),
        {"type": "aws:cloudformation:stack"},
        {"type": "cdk:cloud-assembly", "properties": {"directoryName": "../.."}},
    ],
)
def test_what_leaves_the_assembly_is_a_problem_and_hides_no_other_stack(scanned: Scan, artifact: object) -> None:
    files = {
        **assembly(Bad=artifact, Good=stack("Good.template.json")),
        "cdk.out/Good.template.json": template(Nb=resource()),
        "outside.template.json": template(Nb=resource()),
    }
    report = scanned(files, paths=("cdk.out",))
    assert [one.resource for one in report.findings] == ["Good/Nb"]
    assert report.problems


@pytest.mark.parametrize("manifest", ["[]", "{", '{"artifacts": 3}', '{"artifacts": {"a": 3}}', ""])
def test_a_manifest_of_another_shape_hides_no_other_file(scanned: Scan, manifest: str) -> None:
    files = {"cdk.out/manifest.json": manifest, "cdk.out/cdk.out": "", "t.json": template(Nb=resource())}
    report = scanned(files)
    assert [one.at.path for one in report.findings] == ["t.json"]


def test_an_assembly_that_holds_itself_ends(scanned: Scan) -> None:
    stage = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "."}}
    files = {**assembly(Stage=stage, T=stack("T.template.json")), "cdk.out/T.template.json": template(Nb=resource())}
    assert len(scanned(files).findings) == 1


def test_templates_beside_an_assembly_are_still_read(scanned: Scan) -> None:
    files = {"manifest.json": json.dumps({"artifacts": {}}), "cdk.out": "", "own/t.json": template(Nb=resource())}
    assert [one.at.path for one in scanned(files).findings] == ["own/t.json"]


def nested_stack(url: object, **metadata: str) -> dict[str, Any]:
    """Give the resource that deploys a nested stack."""
    properties = {"TemplateURL": url, "Parameters": {"Kind": "ml.p4d.24xlarge"}}
    return {"Type": "AWS::CloudFormation::Stack", "Properties": properties, "Metadata": metadata}


NESTED = json.dumps({"Parameters": {"Kind": {"Type": "String"}}, "Resources": {"Nb": resource({"Ref": "Kind"})}})
ASSET = "ab" * 32
ASSETS = {"type": "cdk:asset-manifest", "properties": {"file": "T.assets.json"}}


@pytest.mark.parametrize(
    ("parent", "assets"),
    [
        (nested_stack("x", **{"aws:asset:path": "any.json"}), "{}"),
        (
            nested_stack({"Fn::Join": ["", ["https://s3.", {"Ref": "AWS::Region"}, f"/{ASSET}.json"]]}),
            json.dumps({"files": {ASSET: {"source": {"path": "any.json"}}}}),
        ),
    ],
    ids=["by the command line's metadata", "by the hash of its asset"],
)
def test_a_nested_stack_is_read_in_its_parent(scanned: Scan, parent: object, assets: str) -> None:
    data = {
        "/T/Part.NestedStack/Part.NestedStackResource": [{"type": "aws:cdk:logicalId", "data": "Part"}],
        "/T/Part/Nb": [{"type": "aws:cdk:logicalId", "data": "Nb", "trace": ["app.py:12"]}],
        "/T/Nb": [{"type": "aws:cdk:logicalId", "data": "Nb", "trace": ["app.py:3"]}],
    }
    files = {
        **assembly(T={**stack("T.json"), "metadata": data, "dependencies": ["A", "none", 3]}, A=ASSETS),
        "cdk.out/T.json": template(Part=parent, Nb=resource()),
        "cdk.out/T.assets.json": assets,
        "cdk.out/any.json": NESTED,
        "app.py": SOURCE,
    }
    report = scanned(files)
    assert report.counts.projects == 1
    assert {(one.resource, one.construct, one.at.line) for one in report.findings} == {
        ("T/Part/Nb", "T/Part/Nb", 12), ("T/Nb", "T/Nb", 3),
    }  # fmt: skip


@pytest.mark.parametrize("path", ["../../secret.json", "/etc/passwd", "none.json", 7])
def test_a_nested_stack_outside_of_the_assembly_is_not_read(scanned: Scan, path: Any) -> None:  # noqa: ANN401
    files = {
        **assembly(T=stack("T.json")),
        "cdk.out/T.json": template(Part=nested_stack("x", **{"aws:asset:path": path}), Nb=resource()),
    }
    report = scanned(files)
    assert [one.resource for one in report.findings] == ["T/Nb"]


def test_what_was_missing_at_synthesis_is_unknown(scanned: Scan, make_policy: Make) -> None:
    named = make_policy("applies_to: s3.bucket\nrequire: {name: {in: [none]}}\n", "named")
    missing = [
        {"provider": "ssm", "props": {"parameterName": "/ml/size"}},
        {"provider": "availability-zones", "props": 3},
        {"provider": 7},
        "x",
    ]
    box = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "dummy1a"}}
    resources = {"A": resource("dummy-value-for-/ml/size"), "B": resource("ml.p3.dummy-value-for-/ml/size"), "C": box}
    files = {**assembly(T=stack("T.json")), "cdk.out/T.json": template(**resources)}
    assert len(scanned(files).findings) == 2
    manifest = json.loads(files["cdk.out/manifest.json"])
    files["cdk.out/manifest.json"] = json.dumps({**manifest, "missing": missing})
    report = scanned(files)
    assert not report.findings
    assert [one.resource for one in report.undecided] == ["T/A", "T/B"]
    assert all("ssm /ml/size was missing when the app was synthesized" in one.because for one in report.undecided)
    assert any("run `cdk synth` with credentials" in note for note in report.notes)
    assert not scanned(files, named).findings


def test_a_stack_without_environment_is_in_the_region_of_the_command_line(scanned: Scan, make_policy: Make) -> None:
    policy = make_policy("applies_to: sagemaker.notebook_instance\nrequire: {region: {in: [us-*]}}\n")
    unknown = {**stack("T.json"), "environment": "aws://unknown-account/unknown-region"}
    own = {**stack("T.json"), "environment": "aws://111111111111/us-west-2"}
    files = {**assembly(T=unknown, U=own), "cdk.out/T.json": template(Nb=resource())}
    report = scanned(files, policy)
    assert (report.findings, len(report.undecided)) == ((), 1)
    (finding,) = scanned(files, policy, region="eu-west-1").findings
    assert finding.resource == "T/Nb"


def test_the_account_of_an_environment_is_known(scanned: Scan, make_policy: Make) -> None:
    policy = make_policy("applies_to: s3.bucket\nrequire: {name: {in: [data-2*]}}\n")
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": {"Fn::Sub": "data-${AWS::AccountId}"}}}
    known = {**stack("T.json"), "environment": "aws://111111111111/us-west-2"}
    unknown = {**stack("T.json"), "environment": "aws://unknown-account/us-west-2"}
    files = {**assembly(T=known, U=unknown), "cdk.out/T.json": template(B=bucket)}
    report = scanned(files, policy)
    assert [one.message for one in report.findings] == ["T/B has data-111111111111"]
    assert [one.resource for one in report.undecided] == ["U/B"]


def test_tags_of_the_stack_lie_below_those_of_a_resource(scanned: Scan, make_policy: Make) -> None:
    policy = make_policy("applies_to: sagemaker.notebook_instance\nrequire: {environment: {in: [production]}}\n")
    own = {**resource(), "Properties": {"Tags": [{"Key": "environment", "Value": "sandbox"}]}}
    files = {
        **assembly(T=stack("T.json", tags={"environment": "production"})),
        "cdk.out/T.json": template(Own=own, Bare=resource()),
    }
    (finding,) = scanned(files, policy).findings
    assert finding.resource == "T/Own"


@pytest.mark.parametrize(("version", "is_known"), [("55.4.0", True), ("56.0.0", False), ("7.0.0", True), (None, True)])
def test_a_newer_format_is_a_problem_and_read_all_the_same(scanned: Scan, version: object, is_known: bool) -> None:  # noqa: FBT001
    files = assembly(T=stack("T.json"))
    manifest = json.loads(files["cdk.out/manifest.json"])
    files["cdk.out/manifest.json"] = json.dumps({**manifest, "version": version})
    report = scanned({**files, "cdk.out/T.json": template(Nb=resource())})
    assert len(report.findings) == 1
    assert bool(report.problems) is not is_known
    assert all("update mlguard" in problem.message for problem in report.problems)


def test_an_acknowledgement_counts_once_for_all_it_speaks_of(scanned: Scan) -> None:
    accepted = {"mlguard::cheap": "agreed", "mlguard::none": "x", "other::cheap": "y"}
    data = [{"type": "aws:cdk:acknowledged-rules", "data": accepted, "trace": ["    at x (app.py:12:5)"]}]
    artifact = {**stack("T.json"), "metadata": {"/T": data}}
    resources = {
        "A": resource(**{"aws:cdk:path": "T/A"}),
        "B": resource("ml.t3.medium", **{"aws:cdk:path": "T/B"}),
    }
    report = scanned({**assembly(T=artifact), "cdk.out/T.json": template(**resources), "app.py": SOURCE})
    assert not report.counted()
    assert [(one.at.path, one.at.line, one.ids, bool(one.faults)) for one in report.ignores if one.faults] == [
        ("app.py", 12, ("none",), True)
    ]


def test_an_acknowledgement_without_a_reason_accepts_nothing(scanned: Scan) -> None:
    data = [{"type": "aws:cdk:acknowledged-rules", "data": {"mlguard::cheap": ""}}]
    artifact = {**stack("T.json"), "metadata": {"/T/Nb": data}}
    nb = resource(**{"aws:cdk:path": "T/Nb"})
    report = scanned({**assembly(T=artifact), "cdk.out/T.json": template(Nb=nb)})
    assert len(report.counted()) == 1


def test_an_assembly_is_known_by_its_content(scanned: Scan) -> None:
    stage = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "inner"}}
    files = {
        "build/infra/manifest.json": json.dumps({"artifacts": {"S": stage}}),
        "build/infra/inner/manifest.json": json.dumps({"artifacts": {"T": stack("T.json")}}),
        "build/infra/inner/T.json": template(Nb=resource()),
    }
    (finding,) = scanned(files).findings
    assert finding.resource == "T/Nb"


def test_an_assembly_in_the_folder_of_another_is_read_too(scanned: Scan) -> None:
    files = {
        **assembly(T=stack("T.json")),
        "cdk.out/T.json": template(Nb=resource()),
        **assembly("cdk.out/old", U=stack("U.json")),
        "cdk.out/old/U.json": template(Nb=resource()),
        f"cdk.out/asset.{ASSET}/copy.json": template(Nb=resource()),
    }
    assert {one.resource for one in scanned(files).findings} == {"T/Nb", "U/Nb"}


def test_an_app_without_an_assembly_is_told_what_to_run(scanned: Scan) -> None:
    files = {"infra/cdk.json": '{"app": "npx ts-node bin/app.ts"}', "t.json": template(Nb=resource())}
    (note,) = scanned(files).notes
    assert note == "infra/cdk.json: this CDK app has no cloud assembly: run `cdk synth`, and scan again"
    assert not scanned(files, paths=("t.json",)).notes


def test_the_assembly_of_an_inner_app_is_not_that_of_the_outer_one(scanned: Scan, tmp_path: Path) -> None:
    files = {
        "cdk.json": "{}",
        "inner/cdk.json": "not JSON",
        "inner/app.py": "x",
        **assembly("inner/cdk.out", T=stack("T.json", tags={})),
        "inner/cdk.out/T.json": template(Nb=resource(**{"aws:cdk:path": "T/Nb"})),
    }
    notes = [note for note in scanned(files).notes if "cdk synth" in note and "--debug" not in note]
    assert notes == ["cdk.json: this CDK app has no cloud assembly: run `cdk synth`, and scan again"]
    now = (tmp_path / "inner/cdk.out/manifest.json").stat().st_mtime
    os.utime(tmp_path / "inner/app.py", (now + 3600, now + 3600))
    changed = scanned({}, only=frozenset(("inner/app.py", "inner/cdk.out/T.json"))).notes
    assert "inner/cdk.out: this cloud assembly is older than inner/app.py: run `cdk synth`, and scan again" in changed


def about_assemblies(report: Report) -> list[str]:
    return [note for note in report.notes if not note.startswith("node_modules:")]


@pytest.mark.parametrize(
    ("later", "is_stale"),
    [("lib/stack.ts", True), ("cdk.json", True), ("node_modules/x/y.js", False), ("README.md", False)],
)
def test_an_assembly_older_than_its_source_is_noted(
    scanned: Scan,
    tmp_path: Path,
    later: str,
    is_stale: bool,  # noqa: FBT001
) -> None:
    data = [{"type": "aws:cdk:logicalId", "data": "Nb", "trace": ["lib/stack.ts:1:1"]}]
    files = {
        "cdk.json": '{"output": "synthesized"}',
        "lib/stack.ts": "x",
        "node_modules/x/y.js": "x",
        "README.md": "x",
        **assembly("synthesized", T={**stack("T.json"), "metadata": {"/T/Nb": data}}),
        "synthesized/T.json": template(Nb=resource()),
    }
    assert not about_assemblies(scanned(files))
    now = (tmp_path / "synthesized/manifest.json").stat().st_mtime
    os.utime(tmp_path / later, (now + 3600, now + 3600))
    notes = about_assemblies(scanned({}))
    stale = f"synthesized: this cloud assembly is older than {later}: run `cdk synth`, and scan again"
    assert notes == [stale] * is_stale


def test_no_stack_is_dropped_in_silence(scanned: Scan) -> None:
    artifacts = {f"T{number}": stack("T.json") for number in range(501)}
    manifest = json.dumps({"artifacts": artifacts})
    report = scanned({"cdk.out/manifest.json": manifest, "cdk.out/T.json": template(Nb=resource())})
    (problem,) = report.problems
    assert "more than 500 stacks" in problem.message


def test_a_file_of_the_same_name_elsewhere_is_not_the_source(scanned: Scan) -> None:
    data = [{"type": "aws:cdk:logicalId", "data": "Nb", "trace": ["/usr/share/other/stack.py:12:1"]}]
    artifact = {**stack("T.json"), "metadata": {"/T/Nb": data}}
    files = {
        **assembly("infra/cdk.out", T=artifact),
        "infra/cdk.out/T.json": template(Nb=resource()),
        "stack.py": SOURCE,
    }
    report = scanned(files)
    (finding,) = report.findings
    assert finding.at.path == "infra/cdk.out/T.json"
    assert any("are not in the scanned folder" in note for note in report.notes)


@pytest.mark.parametrize(
    ("artifact", "path", "environment"),
    [
        ("Platform", "Platform/Training/Nb", "sandbox"),  # a construct that trains makes no environment of its stack
        ("Training", "Training/Nb", "training"),
        ("ProdPlatform12345678", "Prod/Platform/Training/Nb", "production"),
        ("TeamLiveDataABCDEF01", "Team/Live-Data/Nb", "production"),
    ],
)
def test_the_names_of_stage_and_stack_tell_the_environment(
    scanned: Scan, make_policy: Make, artifact: str, path: str, environment: str
) -> None:
    told = make_policy("applies_to: sagemaker.notebook_instance\nrequire: {environment: {in: [none]}}\n")
    nb = resource(**{"aws:cdk:path": path})
    artifacts: dict[str, Any] = {artifact: stack("T.template.json")}
    files = {**assembly(**artifacts), "cdk.out/T.template.json": template(Nb=nb)}
    (finding,) = scanned(files, told).findings
    assert finding.environment == environment


def test_each_mistake_of_one_construct_is_told(scanned: Scan, make_policy: Make) -> None:
    early = make_policy(
        "applies_to: budgets.budget\nrequire: {notifications: {every: {threshold: {at_most: 80}}}}\n",
        message="{found} %",
    )
    told = [{"Notification": {"Threshold": percent}} for percent in (90, 100, 70)]
    budget = {"Type": "AWS::Budgets::Budget", "Properties": {"NotificationsWithSubscribers": told}}
    data = [{"type": "aws:cdk:logicalId", "data": "Budget", "trace": ["app/stack.py:12"]}]
    artifact = {**stack("T.template.json"), "metadata": {"/T/Budget": data}}
    files = {**assembly(T=artifact), "cdk.out/T.template.json": template(Budget=budget), "app/stack.py": SOURCE}
    report = scanned(files, early)
    assert {one.message for one in report.findings} == {"90 %", "100 %"}
    assert {(one.at.path, one.at.line) for one in report.findings} == {("app/stack.py", 12)}


def test_a_stack_that_is_called_platform_exempts_no_policy(scanned: Scan, make_policy: Make) -> None:
    types = make_policy("applies_to: iam.policy\nrequire: {sagemaker_grants: {every: {limit: {equals: types}}}}\n")
    statement = {"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"}
    body = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": {"Statement": [statement]}}}
    files = {
        **assembly(Platform=stack("T.template.json")),
        "cdk.out/T.template.json": template(Researchers=body, PlatformTeam=body),
    }
    assert {one.resource for one in scanned(files, types).findings} == {"Platform/Researchers"}
