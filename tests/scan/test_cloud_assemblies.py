"""Cloud assemblies: stacks, stages, constructs with their source lines, and paths that stay inside."""

from __future__ import annotations

import json
from collections.abc import Callable
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
