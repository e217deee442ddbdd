"""The twenty ways in which an SCP hurts the people that it should protect: each has a check, and each is tried here."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mlguard.cli import main
from mlguard.errors import GuardrailError
from mlguard.guardrail.difference import compare
from mlguard.guardrail.document import BREAK_GLASS, PROTECTION_SID, Options, generate
from mlguard.guardrail.universe import choices, context_of
from mlguard.guardrail.wrappers import TARGET
from mlguard.policy.load import bundled_policies
from mlguard.policy.parameters import bundled_parameters
from mlguard.scp.actions import details, is_global, is_multivalued, key_type
from mlguard.scp.check import check, check_together
from mlguard.scp.decide import DEVELOPER, Request, decide
from mlguard.scp.written import OPERATORS, WrittenStatement

Capture = pytest.CaptureFixture[str]
EXEMPT = {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/mlguard-break-glass"}}
TYPES = "sagemaker:InstanceTypes"
JOB = "sagemaker:CreateTrainingJob"
ENVIRONMENTS = list(bundled_parameters().environments)
ADMIN = "arn:aws:sts::123456789012:assumed-role/mlguard-break-glass/alice"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_EVENT_NAME", raising=False)
    return tmp_path


def statement(**changes: Any) -> dict[str, Any]:  # noqa: ANN401  (JSON data)
    """Give a sound statement with changes: None removes a member, a condition stands beside the exemption."""
    condition = changes.pop("Condition", {})
    made = {"Sid": "S", "Effect": "Deny", "Action": JOB, "Resource": "*", **changes}
    return {name: value for name, value in {**made, "Condition": {**EXEMPT, **condition}}.items() if value is not None}


def scp(*statements: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def lock(*regions: str) -> dict[str, dict[str, list[str]]]:
    return {"StringNotEquals": {"aws:RequestedRegion": list(regions)}}


def principals(operator: str, pattern: str) -> dict[str, dict[str, str]]:
    return {operator: {"aws:PrincipalArn": pattern}}


@cache
def shipped() -> list[tuple[str, WrittenStatement]]:
    """Give every statement that ships, with its environment."""
    return [
        (environment, one)
        for environment in ENVIRONMENTS
        for one in generate(bundled_policies(), bundled_parameters(), environment).statements
    ]


FOUND: Mapping[str, tuple[dict[str, Any], str]] = {
    "01 a region lock shuts the global services": (
        statement(Action=None, NotAction=["iam:*"], Condition=lock("eu-west-1")),
        "region-lock-hits-global-services",
    ),
    "01 a region lock shuts cross-region inference": (
        statement(Action="bedrock:InvokeModel", Condition=lock("eu-west-1")),
        "region-lock-hits-inference",
    ),
    "02 everything": (statement(Action="*"), "denies-too-much"),
    "02 everything but": (statement(Action=None, NotAction="s3:*"), "not-action-without-condition"),
    "02 every action of a service": (statement(Action="bedrock:*"), "denies-cleaning-up"),
    "02 every action of a service elsewhere": (
        statement(Action="polly:*", Condition=lock("eu-west-1")),
        "names-everything",
    ),
    "03 cleaning up by a pattern": (statement(Action="sagemaker:*Endpoint"), "denies-cleaning-up"),
    "03 cleaning up by name": (statement(Action="sagemaker:StopTrainingJob"), "denies-cleaning-up"),
    "03 cleaning up elsewhere": (statement(Action="sagemaker:*", Condition=lock("eu-west-1")), "denies-cleaning-up"),
    "03 cleaning up elsewhere by name": (
        statement(Action=[JOB, "sagemaker:DeleteEndpoint"], Condition=lock("eu-west-1")),
        "denies-cleaning-up",
    ),
    "04 signing in": (statement(Action="sts:AssumeRole"), "denies-too-much"),
    "04 decrypting": (statement(Action="kms:Decrypt"), "denies-too-much"),
    "04 reading objects": (statement(Action="s3:GetObject"), "denies-too-much"),
    "04 locking the state of Terraform": (statement(Action="dynamodb:PutItem"), "denies-too-much"),
    "04 deploying": (statement(Action="cloudformation:*"), "denies-too-much"),
    "04 logs": (statement(Action="logs:*"), "denies-too-much"),
    "05 nobody is exempt": ({"Effect": "Deny", "Action": JOB, "Resource": "*"}, "no-break-glass-exemption"),
    "05 a session is no role": (
        statement(Condition=principals("ArnNotLike", "arn:aws:sts::*:assumed-role/Admin/*")),
        "exemption-never-matches",
    ),
    "05 everybody is exempt": (
        statement(Condition=principals("ArnNotLike", "arn:aws:iam::*:role/*")),
        "exempts-everybody",
    ),
    "05 a role of Identity Center has a path": (
        statement(Condition=principals("ArnNotLike", "arn:aws:iam::*:role/AWSReservedSSO_Admin_*")),
        "exemption-never-matches",
    ),
    "05 two exemptions must both hold": (
        statement(Condition=principals("ArnNotEquals", "arn:aws:iam::*:role/deploy")),
        "several-exemptions",
    ),
    "07 a key that requests for the action lack": (
        statement(Action="sagemaker:CreateModel", Condition={"ForAllValues:StringNotLike": {TYPES: "ml.t3.*"}}),
        "key-not-supported-by-action",
    ),
    "07 a key that other resources of the request lack": (
        statement(Action="ec2:RunInstances", Condition={"StringNotLike": {"ec2:InstanceType": "t3.*"}}),
        "negated-key-on-other-resources",
    ),
    "08 vacuous truth": (
        statement(Condition={"ForAllValues:StringLike": {TYPES: "ml.p*"}}),
        "for-all-values-in-deny",
    ),
    "08 several values under a plain operator": (
        statement(Condition={"StringNotLike": {TYPES: "ml.t3.*"}}),
        "multivalued-key-without-set-operator",
    ),
    "08 a set operator on a single value": (
        statement(Action="ec2:RunInstances", Condition={"ForAnyValue:StringLike": {"ec2:InstanceType": "p*"}}),
        "set-operator-on-single-value",
    ),
    "09 tags on what carries none": (
        statement(Action="sagemaker:UpdateEndpoint", Condition={"Null": {"aws:RequestTag/Team": "true"}}),
        "key-not-supported-by-action",
    ),
    "12 an allow-list": (statement(Effect="Allow"), "allow-list"),
    "15 a misspelt key": (
        statement(Condition={"ForAnyValue:StringLike": {"sagemaker:InstanceType": "ml.p*"}}),
        "unknown-key",
    ),
    "15 a misspelt action": (statement(Action="sagemaker:CreateTrainingJb"), "unknown-action"),
    "15 a principal": (statement(Principal="*"), "not-an-scp"),
    "15 an empty list": (statement(Action=[]), "not-an-scp"),
    "15 a Sid with a blank": (statement(Sid="a b"), "not-an-scp"),
    "20 an exemption of another partition": (
        statement(Action="s3:PutLifecycleConfiguration", Resource="arn:aws-us-gov:s3:::models"),
        "exemption-never-matches",
    ),
    "20 a region that does not exist": (statement(Condition=lock("eu-wset-1")), "unknown-region"),
}


@pytest.mark.parametrize("way", list(FOUND))
def test_way(way: str) -> None:
    written, wanted = FOUND[way]
    assert wanted in {fault.check for fault in check(scp(written))}


def test_way_01_region_locks_that_ship_name_their_actions() -> None:
    locks = [one for _, one in shipped() if any(test.key.value == "aws:RequestedRegion" for test in one.tests)]
    assert locks
    for one in locks:
        assert not one.not_action
        assert not [text.value for text in one.actions if text.value.startswith("bedrock:Invoke") or "*" in text.value]


def test_way_06_an_exempt_name_that_anybody_could_take() -> None:
    faults = check_together([("scp.json", scp(statement()))])
    assert "unprotected-exempt-role" in {fault.check for fault in faults}
    guarded = statement(
        Sid="P",
        Action=["iam:CreateRole", "iam:UpdateAssumeRolePolicy"],
        Resource="arn:aws:iam::*:role/mlguard-break-glass",
    )
    faults = check_together([("scp.json", scp(statement(), guarded))])
    assert "unprotected-exempt-role" not in {fault.check for fault in faults}
    assert {environment for environment, one in shipped() if one.sid == PROTECTION_SID} == set(ENVIRONMENTS)


# a request carries these whatever is asked for, or its lack is the mistake itself
THERE_OR_WANTED = ("aws:RequestedRegion", "ec2:InstanceType", "ec2:EndDateType", "bedrock:InferenceProfileArn")


def test_way_07_a_missing_key_denies_only_where_the_key_is_asked_for() -> None:
    for _, one in shipped():
        own = [test for test in one.tests if test.key.value != "aws:PrincipalArn"]
        wanted = [test for test in own if test.holds_without_key and test.base != "Null"]
        narrowed = [test for test in own if not test.holds_without_key]
        assert narrowed or {test.key.value for test in wanted} <= set(THERE_OR_WANTED), one.sid


def test_way_08_the_truth_table_of_several_values() -> None:
    seen = 0
    for _, one in shipped():
        keys = {test.key.value for test in one.tests if is_multivalued(test.key.value) and test.base != "Null"}
        if len(keys) != 1 or len(one.tests) != 2:  # it and the exemption
            continue
        seen += 1
        (key,) = keys
        action = one.actions[0].value
        ((_, listed),) = choices(action, [one])
        single = [values for values in listed[key] if values is not None and len(values) == 1]
        assert len(single) == 2, "one that is allowed and one that is denied"
        mixed = (*single[0], *single[1])
        for principal in (DEVELOPER, ADMIN):
            absent, first, second, both = (
                decide(Request(action, "*", principal, context_of([key], [values])), [one]).outcome == "denied"
                for values in (None, *single, mixed)
            )
            bound = principal == DEVELOPER
            assert (absent, first != second, both) == (False, bound, bound), one.sid
    assert seen > 10


def test_way_10_what_service_linked_roles_do_is_said(repository: Path, capsys: Capture) -> None:
    made = generate(bundled_policies(), bundled_parameters(), "sandbox")
    assert any("service-linked" in who for who in made.manifest["DenyEc2TypesNotAllowed"]["does_not_bind"])
    arguments = ["scp", "generate", "--environment", "sandbox", "--out", str(repository / "out")]
    assert main([*arguments, "--strict-coverage"]) == 1
    assert "DenyEc2TypesNotAllowed does not bind launches by service-linked roles" in capsys.readouterr().err
    assert main(arguments) == 0
    page = (repository / "out" / "sandbox" / "README.md").read_text(encoding="utf-8")
    assert "service-linked roles" in page.split("## Who is never bound")[1].split("##")[0]
    assert "DenyEc2TypesNotAllowed does not bind" in page.split("## What is left open")[1]


def test_way_11_the_root_and_the_management_account(repository: Path, capsys: Capture) -> None:
    assert not re.search(TARGET, "r-abcd")
    assert main(["scp", "generate", "--environment", "sandbox", "--out", str(repository / "out")]) == 0
    capsys.readouterr()
    page = (repository / "out" / "sandbox" / "README.md").read_text(encoding="utf-8")
    assert "the management account: no SCP binds it" in page
    assert "never begin with the root" in page


@pytest.mark.parametrize("form", ["json", "terraform", "cloudformation", "cli"])
def test_way_12_nothing_that_ships_allows_or_touches_the_full_access(
    form: str, repository: Path, capsys: Capture
) -> None:
    assert repository.is_dir()
    assert all(one.effect == "Deny" for _, one in shipped())
    assert main(["scp", "generate", "--environment", "all", "--format", form]) == 0
    code = "\n".join(line for line in capsys.readouterr().out.splitlines() if not line.startswith("#"))
    assert not re.search(r"(?:resource|policy-id|PolicyId).*FullAWSAccess", code)
    assert '"Allow"' not in code


def test_way_13_what_would_be_refused_today_is_rehearsed(repository: Path, capsys: Capture) -> None:
    code = 'resource "aws_sagemaker_notebook_instance" "nb" {\n  instance_type = "ml.p4d.24xlarge"\n}\n'
    (repository / "main.tf").write_text(code, encoding="utf-8")
    assert main(["scp", "impact", "--environment", "sandbox"]) == 1
    assert "main.tf:1:1: aws_sagemaker_notebook_instance.nb: sagemaker:CreateNotebookInstance would be denied by" in (
        capsys.readouterr().out
    )


def test_way_14_size_and_slots() -> None:
    text = scp(statement())
    assert [fault.check for fault in check(text, max_chars=len(text) - 1)] == ["too-long"]
    faults = check_together([(f"{number}.json", text) for number in range(3)], slots=2)
    assert "too-many-documents" in {fault.check for fault in faults}
    for environment in ENVIRONMENTS:
        for options in (Options(), Options(max_chars=5_120, slots=4)):
            policies = [policy for policy in bundled_policies() if policy.recommended]
            made = generate(policies, bundled_parameters(), environment, options)
            assert all(len(document.text) <= options.max_chars for document in made.documents)
            assert len(made.documents) <= options.slots
            assert all("aws:PrincipalArn" in json.dumps(one) for document in made.documents
                       for one in document.content["Statement"])  # fmt: skip


@pytest.mark.parametrize("text", ['{"Version": "2012-10-17", "Version": "2012-10-17", "Statement": []}', "{", "[]", ""])
def test_way_15_what_is_no_scp_is_never_passed_over(text: str) -> None:
    assert {fault.check for fault in check(text)} & {"not-json", "not-an-scp"}


def test_way_15_every_word_of_what_ships_is_one_of_aws() -> None:
    for _, one in shipped():
        assert not [text.value for text in one.actions if details(text.value) is None], one.sid
        assert not [
            test.key.value for test in one.tests if not is_global(test.key.value) and not key_type(test.key.value)
        ]
        assert {test.base for test in one.tests} <= OPERATORS


@pytest.mark.parametrize("value", ["*5*", "ml.*", "ml.?5.large", "${aws:PrincipalTag/x}"])
def test_way_16_values_that_would_say_more(value: str, repository: Path, capsys: Capture) -> None:
    text = f"environments:\n  sandbox:\n    parameters:\n      allowed_instance_types: {{notebook: ['{value}']}}\n"
    (repository / ".mlguard.yaml").write_text(text, encoding="utf-8")
    assert main(["scp", "generate", "--environment", "sandbox"]) == 2
    assert "allowed_instance_types" in capsys.readouterr().err


def test_way_17_a_configuration_that_a_stranger_wrote(
    repository: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / ".mlguard.yaml").write_text("break_glass: ['arn:aws:iam::*:role/mine']\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_EVENT_NAME", "pull_request")
    assert main(["scp", "generate", "--environment", "sandbox"]) == 2
    assert "a pull request may have written the configuration" in capsys.readouterr().err
    assert main(["scp", "generate", "--environment", "sandbox", "--no-config"]) == 0
    assert "role/mine" not in capsys.readouterr().out


def test_way_18_what_widens_in_silence(repository: Path, capsys: Capture) -> None:
    for name, types in (("old", ["ml.t3.*"]), ("new", ["ml.t3.*", "ml.p5.48xlarge"])):
        written = scp(statement(Condition={"ForAnyValue:StringNotLike": {TYPES: types}}))
        (repository / f"{name}.json").write_text(written, encoding="utf-8")
    assert main(["scp", "diff", "old.json", "new.json"]) == 1
    assert f"{JOB} with {TYPES} ml.p5.48xlarge" in capsys.readouterr().out
    assert main(["scp", "diff", "old.json", "new.json", "--accept-weakening"]) == 0
    assert main(["scp", "diff", "new.json", "old.json"]) == 0
    assert compare([("a", scp(statement()))], [("b", json.dumps(json.loads(scp(statement())), indent=3))]).changes == []


def test_way_19_no_way_back(repository: Path, capsys: Capture) -> None:
    assert main(["scp", "generate", "--environment", "sandbox", "--out", str(repository / "out")]) == 0
    page = (repository / "out" / "sandbox" / "README.md").read_text(encoding="utf-8")
    assert re.search(r"OU of a sandbox, then to one account, then to the OU", page)
    assert "aws organizations detach-policy" in page
    assert all(pattern in page for pattern in BREAK_GLASS)
    for heading in ("Requests that will be denied", "Requests that will pass"):
        assert page.split(f"## {heading}\n")[1].split("##")[0].count("\n- ") == 5
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["scp", "attach"])
    assert not [name for name in sys.modules if name.partition(".")[0] in ("boto3", "botocore")]


def test_way_20_a_partition_without_its_regions() -> None:
    for partition in ("aws-cn", "aws-us-gov"):
        with pytest.raises(GuardrailError, match="deny everything there"):
            generate(bundled_policies(), bundled_parameters(), "sandbox", Options(partition=partition))


def test_all_twenty_ways_are_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    named = {int(number) for number in re.findall(r'(?:def test_way_|^    ")(\d\d)[_ ]', text, re.MULTILINE)}
    assert named == set(range(1, 21))
