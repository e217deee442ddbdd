"""Fixes in YAML and JSON: in the style of the file, the same elsewhere, and refused where it is not clear."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Mending = Callable[..., Any]
BUCKET = "bucket-without-lifecycle"
LOGS = "log-group-without-retention"
RULE = """\
      LifecycleConfiguration:
        Rules:
          - Id: tier-everything
            Status: Enabled
            Transitions:
              - StorageClass: INTELLIGENT_TIERING
                TransitionInDays: 0
            AbortIncompleteMultipartUpload:
              DaysAfterInitiation: 7
"""


def template(properties: str) -> str:
    return f"Resources:\n  Data:\n    Type: AWS::S3::Bucket\n{properties}  Other: {{Type: AWS::SNS::Topic}}\n"


@pytest.mark.parametrize(
    "before",
    [
        "    Properties:\n      BucketName: acme-ml-data # the data\n",
        "    Properties:\n      BucketName: acme-ml-data\n      # one day: a rule\n",
        "    Properties: # of the data\n      Tags:\n      - Key: a\n        Value: b\n",
        "    Properties:\n      BucketName: >-\n        acme-ml-data\n",
        "    Properties:\n      BucketName: |\n        acme-ml-data\n\n",
        "    Properties:\n      BucketName: !Sub\n        - '${A}-data'\n        - A: acme-ml\n",
        "    Properties:\n      BucketName: !If\n        - Prod\n        - a\n        - b\n",
        "    Properties:\n      Tags: &tags [{Key: a, Value: b}]\n    Metadata: {tags: *tags}\n",
    ],
)
def test_a_rule_is_added_after_the_last_property_and_comments_stay(mending: Mending, before: str) -> None:
    text = template(before)
    after = mending({"t.yaml": text}, BUCKET).text("t.yaml")
    assert after != text
    assert RULE in after or "        Rules:\n        - Id" in after
    added = [line for line in after.splitlines() if line not in text.splitlines()]
    assert [line for line in after.splitlines() if line not in added] == [
        line for line in text.splitlines() if line not in added
    ]


def test_lists_stand_where_the_others_of_the_file_stand(mending: Mending) -> None:
    text = template("    Properties:\n      Tags:\n      - Key: a\n        Value: b\n")
    after = mending({"t.yaml": text}, BUCKET).text("t.yaml")
    assert "        Rules:\n        - Id: tier-everything\n          Status: Enabled\n" in after


def test_four_blanks_are_kept(mending: Mending) -> None:
    text = "Resources:\n    Data:\n        Type: AWS::S3::Bucket\n        Properties:\n            BucketName: ml-x\n"
    after = mending({"t.yaml": text}, BUCKET).text("t.yaml")
    assert after.startswith(text)
    assert "            LifecycleConfiguration:\n                Rules:\n                    - Id: tier" in after


def test_the_end_of_the_file_is_kept_as_it_is(mending: Mending) -> None:
    text = "Resources:\n  Logs:\n    Type: AWS::Logs::LogGroup\n    Properties:\n      LogGroupName: /aws/sagemaker/a"
    assert mending({"t.yaml": text}, LOGS).text("t.yaml") == f"{text}\n      RetentionInDays: 30"


@pytest.mark.parametrize("empty", ["", " {}", " null", " ~"])
def test_properties_that_are_missing_or_empty_are_written(mending: Mending, empty: str) -> None:
    written = f"    Properties:{empty}\n" if empty else ""
    after = mending({"t.yaml": template(written)}, BUCKET).text("t.yaml")
    assert "LifecycleConfiguration" in after
    assert after.count("Properties:") == 1


def test_a_key_without_a_value_gets_one(mending: Mending) -> None:
    after = mending({"t.yaml": template("    Properties:\n")}, BUCKET).text("t.yaml")
    assert after == template(f"    Properties:\n{RULE}")


def test_windows_line_ends_are_kept(mending: Mending) -> None:
    text = template("    Properties:\n      BucketName: acme-ml-data\n").replace("\n", "\r\n")
    after = mending({"t.yaml": text}, BUCKET).text("t.yaml")
    assert after.count("\n") == after.count("\r\n") > text.count("\r\n")
    assert after.replace("\r\n", "\n") == template(f"    Properties:\n      BucketName: acme-ml-data\n{RULE}")


def test_a_mapping_in_braces_stays_in_braces(mending: Mending) -> None:
    text = template("    Properties: { BucketName: acme-ml-data } # all\n")
    after = mending({"t.yaml": text}, BUCKET).text("t.yaml")
    assert "Properties: { BucketName: acme-ml-data, LifecycleConfiguration: {Rules: [" in after
    assert after.count("\n") == text.count("\n")
    assert " } # all\n" in after


def test_braces_on_several_lines_get_another_line(mending: Mending) -> None:
    text = template("    Properties: {\n      BucketName: acme-ml-data, # a\n      Tags: [] # b\n    }\n")
    after = mending({"t.yaml": text}, BUCKET).text("t.yaml")
    assert "      Tags: [], # b\n      LifecycleConfiguration: {Rules: [" in after


def test_json_with_tabs_stays_json_with_tabs(mending: Mending) -> None:
    text = (
        '{\n\t"Resources": {\n\t\t"Data": {\n\t\t\t"Type": "AWS::S3::Bucket",\n\t\t\t"Properties": {}\n\t\t}\n\t}\n}\n'
    )
    after = mending({"t.json": text}, BUCKET).text("t.json")
    assert '\t\t\t"Properties": {\n\t\t\t\t"LifecycleConfiguration": {\n\t\t\t\t\t"Rules": [\n' in after
    assert "  " not in after
    rules = json.loads(after)["Resources"]["Data"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert [rule["Id"] for rule in rules] == ["tier-everything"]


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_json_on_one_line_stays_on_one_line(mending: Mending, separators: tuple[str, str]) -> None:
    content = {"Resources": {"Data": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "acme-ml-data"}}}}
    text = json.dumps(content, separators=separators)
    after = mending({"t.json": text}, BUCKET).text("t.json")
    assert json.dumps(json.loads(after), separators=separators) == after != text


def test_json_that_is_indented_stays_so(mending: Mending) -> None:
    content = {"Resources": {"Data": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "acme-ml-data"}}}}
    after = mending({"t.json": json.dumps(content, indent=4)}, BUCKET).text("t.json")
    assert json.dumps(json.loads(after), indent=4) == after


def test_all_buckets_of_a_file_are_mended_at_once(mending: Mending) -> None:
    one = "  {0}:\n    Type: AWS::S3::Bucket\n    Properties:\n      BucketName: acme-ml-{0}\n"
    text = "Resources:\n" + "".join(one.format(name) for name in "abcd")
    outcome = mending({"t.yaml": text}, BUCKET)
    assert len(outcome.made.fixed) == 4
    assert outcome.text("t.yaml") == "Resources:\n" + "".join(one.format(name) + RULE for name in "abcd")


def test_two_policies_mend_one_bucket_one_after_the_other(mending: Mending) -> None:
    text = template("    Properties:\n      BucketName: acme-ml-x\n      VersioningConfiguration: {Status: Enabled}\n")
    outcome = mending({"t.yaml": text}, BUCKET, "versioned-bucket-keeps-old-versions")
    after = outcome.text("t.yaml")
    assert {one.policy.id for one in outcome.made.fixed} == {BUCKET, "versioned-bucket-keeps-old-versions"}
    assert after.count("Rules:") == 1
    assert after.index("Id: tier-everything") < after.index("Id: old-versions")
    safe = mending({"t.yaml": text}, BUCKET, "versioned-bucket-keeps-old-versions", unsafe=False)
    assert [one.policy.id for one in safe.made.fixed] == [BUCKET]


ANCHORED = """\
    Properties: &p
      BucketName: acme-ml-data
  Twin:
    Type: AWS::SNS::Topic
    Metadata: {like: *p}
"""
ANCHORED_LIST = """\
    Properties:
      LifecycleConfiguration:
        Rules: &r
        - Status: Disabled
          ExpirationInDays: 1
    Metadata: {r: *r}
"""


@pytest.mark.parametrize(("properties", "anchor"), [(ANCHORED, "&p"), (ANCHORED_LIST, "&r")])
def test_what_others_use_is_left_alone(mending: Mending, properties: str, anchor: str) -> None:
    outcome = mending({"t.yaml": template(properties)}, BUCKET)
    assert not outcome.made.texts
    assert outcome.refusals == [f"the anchor {anchor} is used elsewhere as well"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("    Properties: *same\n", "alias"),
        ("    Properties:\n      <<: *same\n      LifecycleConfiguration:\n        <<: *off\n", "alias"),
        (
            "    Properties:\n      LifecycleConfiguration: !If [Prod, {Rules: []}, !Ref AWS::NoValue]\n",
            "Fn::If decides it",
        ),
    ],
)
def test_what_comes_from_elsewhere_is_left_alone(mending: Mending, body: str, reason: str) -> None:
    text = (
        "Parameters: {Stage: {Type: String, Default: dev, AllowedValues: [dev, prod]}}\n"
        "Conditions: {Prod: !Equals [!Ref Stage, prod]}\n"
        "Metadata:\n  same: &same {BucketName: acme-ml-data}\n"
        "  off: &off {Rules: [{Status: Disabled, ExpirationInDays: 1}]}\n" + template(body)
    )
    outcome = mending({"t.yaml": text}, BUCKET)
    assert outcome.before.findings
    assert not outcome.made.texts
    assert any(reason in one for one in outcome.refusals), outcome.refusals


def test_a_value_that_a_parameter_gives_is_left_alone(mending: Mending) -> None:
    text = (
        "Parameters: {Days: {Type: Number, Default: 731}}\nResources:\n  Logs:\n    Type: AWS::Logs::LogGroup\n"
        "    Properties: {LogGroupName: /aws/sagemaker/x, RetentionInDays: !Ref Days}\n"
    )
    outcome = mending({"t.yaml": text}, LOGS)
    assert not outcome.made.texts
    assert outcome.refusals


def test_only_the_branch_that_is_wrong_is_replaced(mending: Mending) -> None:
    text = (
        "Parameters: {Stage: {Type: String, Default: dev, AllowedValues: [dev, prod]}}\n"
        "Conditions: {Prod: !Equals [!Ref Stage, prod]}\nResources:\n  Logs:\n    Type: AWS::Logs::LogGroup\n"
        "    Properties:\n      LogGroupName: /aws/sagemaker/x\n      RetentionInDays: !If [Prod, 14, '731'] # days\n"
    )
    assert mending({"t.yaml": text}, LOGS).text("t.yaml") == text.replace("731", "30")


def test_a_program_makes_the_template_of_a_cdk_application(mending: Mending) -> None:
    manifest = {
        "version": "36.0.0",
        "artifacts": {
            "Ml": {
                "type": "aws:cloudformation:stack",
                "environment": "aws://unknown-account/unknown-region",
                "properties": {"templateFile": "Ml.template.json"},
            }
        },
    }
    content = {"Resources": {"Data": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "acme-ml-data"}}}}
    files = {"cdk.out/manifest.json": json.dumps(manifest), "cdk.out/Ml.template.json": json.dumps(content)}
    outcome = mending(files, BUCKET)
    assert not outcome.made.texts
    assert outcome.refusals == [
        "a program synthesizes this file: mend the construct in the program, and synthesize again"
    ]


def test_what_a_loop_makes_is_left_alone(mending: Mending) -> None:
    text = (
        "Transform: AWS::LanguageExtensions\nResources:\n  Fn::ForEach::Buckets:\n    - Name\n    - [Aa, Bb]\n"
        "    - 'Data${Name}':\n        Type: AWS::S3::Bucket\n        Properties: {BucketName: !Sub 'ml-${Name}'}\n"
    )
    outcome = mending({"t.yaml": text}, BUCKET)
    assert outcome.before.findings
    assert not outcome.made.texts
    assert set(outcome.refusals) == {"a loop, a macro or another file makes it"}


def test_the_list_of_a_parameter_is_that_of_the_environment(mending: Mending) -> None:
    text = (
        "Parameters:\n  Kind: # of the notebook\n    Type: String\n    Default: {0}\nResources:\n  Nb:\n"
        "    Type: AWS::SageMaker::NotebookInstance\n    Properties:\n      RoleArn: !Ref AWS::NoValue\n"
        "      InstanceType: !Ref Kind\n"
    )
    own = "parameters: {allowed_instance_types: [ml.t3.medium, ml.t3.large]}\n"
    one = text.replace("{0}", "ml.t3.medium")
    after = mending({"t.yaml": one}, "instance-type-unconstrained", parameters=own).text("t.yaml")
    assert "    Default: ml.t3.medium\n    AllowedValues: [ml.t3.medium, ml.t3.large]\nResources:" in after
    other = mending({"t.yaml": text.replace("{0}", "ml.m5.large")}, "instance-type-unconstrained", parameters=own)
    assert not other.made.texts
    assert other.refusals == ['the default "ml.m5.large" is not among what allowed_instance_types allows']
    wide = "parameters: {allowed_instance_types: [ml.*]}\n"
    refusals = mending({"t.yaml": one}, "instance-type-unconstrained", parameters=wide).refusals
    assert len(refusals) == 1
    assert "choose a list of your own" in refusals[0]


def test_a_retention_is_one_that_aws_takes(mending: Mending) -> None:
    text = "Resources:\n  Logs:\n    Type: AWS::Logs::LogGroup\n    Properties: {LogGroupName: /aws/sagemaker/x}\n"
    own = "parameters: {max_log_retention_days: 100}\n"
    assert "RetentionInDays: 90" in mending({"t.yaml": text}, LOGS, parameters=own).text("t.yaml")


def test_what_is_suppressed_is_left_alone(mending: Mending) -> None:
    text = template("    Properties:\n      BucketName: acme-ml-data\n").replace(
        "  Data:\n", f"  Data: # mlguard: ignore[{BUCKET}] kept by law\n"
    )
    outcome = mending({"t.yaml": text}, BUCKET)
    assert outcome.before.findings[0].suppressed is not None
    assert not outcome.made.texts
