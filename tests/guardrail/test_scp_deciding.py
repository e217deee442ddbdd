"""mlguard's own decisions about requests are those of an evaluator that shares no code with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlguard.guardrail.document import BREAK_GLASS, generate
from mlguard.guardrail.merging import Requested, merge, minified, pack
from mlguard.policy.load import bundled_policies
from mlguard.policy.parameters import bundled_parameters
from mlguard.scp.actions import details, is_multivalued
from mlguard.scp.decide import DEVELOPER, Request, Values, decide
from mlguard.scp.matching import HOLE, arn_like, like
from mlguard.scp.reading import read
from mlguard.scp.written import WrittenStatement

Evaluate = Callable[[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]], dict[str, str]]
ENTRIES: dict[str, Any] = json.loads((Path(__file__).parent / "decisions.json").read_text(encoding="utf-8"))
ACCOUNT = "123456789012"
SSO = f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com"
RESOURCES = {
    "instance": f"arn:aws:ec2:us-east-1:{ACCOUNT}:instance/i-1",
    "volume": f"arn:aws:ec2:us-east-1:{ACCOUNT}:volume/vol-1",
    "subnet": f"arn:aws:ec2:us-east-1:{ACCOUNT}:subnet/subnet-1",
    "image": "arn:aws:ec2:us-east-1::image/ami-1",
}
DOCUMENTED = 2_000


def written(name: str) -> dict[str, Any]:
    entry = ENTRIES[name]
    made = {"Effect": "Deny", **entry["statement"]}
    if entry["exempt"]:
        condition = {operator: dict(tests) for operator, tests in made.get("Condition", {}).items()}
        condition.setdefault("ArnNotLike", {})["aws:PrincipalArn"] = list(BREAK_GLASS)
        made["Condition"] = condition
    return made


def document(*statements: object) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def statements_of(*documents: object) -> list[WrittenStatement]:
    return [statement for one in documents for statement in read(minified(one)).statements]


def context_of(values: Mapping[str, object]) -> dict[str, Values]:
    return {
        key: Values(tuple(map(str, value)) if isinstance(value, list) else (str(value),))
        for key, value in values.items()
    }


def cases() -> Iterator[Any]:
    for name, entry in ENTRIES.items():
        for number, case in enumerate(entry["cases"]):
            yield pytest.param(name, case, id=f"{name}-{number}")


@pytest.mark.parametrize(("name", "case"), list(cases()))
def test_the_documented_decisions(name: str, case: list[Any]) -> None:
    action, context, principal, resource, expected = case
    arn = resource if resource.startswith("arn:") else RESOURCES.get(resource) or _resource(action)
    given_context = {"aws:RequestedRegion": "us-east-1", **context}
    asked = Request(action, arn, principal or DEVELOPER, context_of(given_context))
    assert decide(asked, statements_of(document(written(name)))).outcome == expected


def _resource(action: str) -> str:
    """Give an ARN of the first resource type that the action requires, as the other evaluator makes one up."""
    known = details(action)
    if known is None or not known.resources:
        return "*"
    kind = next((one for one in known.resources if one in known.required), next(iter(known.resources)))
    return f"arn:aws:{action.partition(':')[0]}:us-east-1:{ACCOUNT}:{kind}/example"


types = st.sampled_from(
    ["ml.t3.medium", "ml.m5.large", "ml.m5.xlarge", "ml.m5.24xlarge", "ml.p4d.24xlarge", "ml.p5.48xlarge", "system",
     "ml.g5.xlarge", "ml.g5.48xlarge", "ml.geospatial.interactive", "ml.trn1.32xlarge", "ml.c5.large", "ml.p4d*",
     "ML.T3.MEDIUM"]
)  # fmt: skip
ec2_types = st.sampled_from(
    ["t3.micro", "m5.large", "p4d.24xlarge", "g5.xlarge", "trn1.32xlarge", "inf2.48xlarge", "x1.32xlarge", "t4g.*"]
)
regions = st.sampled_from(["us-east-1", "eu-west-1", "eu-central-2", "ap-southeast-1", "cn-north-1", "us-gov-west-1"])
principals = st.sampled_from(
    [
        f"arn:aws:sts::{ACCOUNT}:assumed-role/Developer/bob",
        f"arn:aws:iam::{ACCOUNT}:role/Developer",
        f"arn:aws:iam::{ACCOUNT}:role/team/ml/Developer",
        f"arn:aws:iam::{ACCOUNT}:role/mlguard-break-glass",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/mlguard-break-glass/alice",
        f"arn:aws:iam::{ACCOUNT}:role/x/mlguard-break-glass",
        f"arn:aws:iam::{ACCOUNT}:user/mlguard-break-glass",
        f"{SSO}/eu-west-1/AWSReservedSSO_MLPlatformAdmin_0123456789abcdef",
        f"{SSO}/eu-west-1/AWSReservedSSO_Developer_0123456789abcdef",
        f"arn:aws:iam::{ACCOUNT}:root",
    ]
)
numbers = st.sampled_from(["0", "600", "601", "3600", "86400", "86401", "1e9", "-1"])
words = st.sampled_from(
    ["true", "false", "sandbox", "production", "Sandbox", "STANDARD", "EXTENDED", "spot", "priority", "sagemaker"]
)
VALUES: Mapping[str, st.SearchStrategy[str]] = {
    "sagemaker:instancetypes": types,
    "ec2:instancetype": ec2_types,
    "autoscaling:instancetype": ec2_types,
    "autoscaling:instancetypes": ec2_types,
    "ec2:attribute/instancetype": ec2_types,
    "bedrock:inferenceprofilearn": st.sampled_from(
        [
            f"arn:aws:bedrock:us-east-1:{ACCOUNT}:inference-profile/{area}.anthropic.claude"
            for area in ("us", "eu", "global")
        ]
    ),
    "sagemaker:notebookinstancelifecycleconfigarns": st.sampled_from(
        [
            f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:notebook-instance-lifecycle-config/{name}"
            for name in ("mlguard-stop", "x")
        ]
    ),
    "aws:tagkeys": st.sampled_from(["CostCenter", "Owner", "Environment", "other"]),
}


def _key_values(key: str) -> st.SearchStrategy[Any]:
    lowered = key.lower()
    other = numbers if lowered.endswith(("seconds", "period", "size", "concurrency", "iops")) else words
    single = VALUES.get(lowered, other)
    return st.lists(single, min_size=1, max_size=3, unique=True) if is_multivalued(key) else single


@st.composite
def requests(draw: st.DrawFn, pool: str) -> dict[str, Any]:
    """Draw a request that has to do with some statement: its action, and each of its keys with a value or absent."""
    chosen = draw(st.sampled_from(POOLS[pool]))
    action = draw(
        st.sampled_from(chosen.get("Action") or ["sagemaker:CreateModel", "ec2:RunInstances", "iam:CreateRole"])
    )
    known = details(action)
    context: dict[str, Any] = {"aws:RequestedRegion": draw(regions)}
    kind = draw(st.sampled_from(sorted(known.resources))) if known and known.resources else ""
    for key in sorted({key for tests in chosen.get("Condition", {}).values() for key in tests}):
        carried = known is not None and known.supports(key)
        if carried and known is not None and kind and action.startswith("ec2:"):
            carried = any(key.lower() == one for one in known.resources[kind])
        if carried and draw(st.booleans()):
            context[key] = draw(_key_values(key))
    made = {"action": action, "context": context, "principal": draw(principals)}
    if action == "ec2:RunInstances" and kind in RESOURCES:
        made["resource"] = RESOURCES[kind]
    elif action in NAMED and draw(st.booleans()):
        made["resource"] = NAMED[action]
    return made


# resources whose names the statements ask for
NAMED = {
    "budgets:ModifyBudget": f"arn:aws:budgets::{ACCOUNT}:budget/mlguard-total",
    "sagemaker:DeleteNotebookInstanceLifecycleConfig": (
        f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:notebook-instance-lifecycle-config/mlguard-stop"
    ),
    "scheduler:UpdateSchedule": f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule/mlguard-stop/nightly",
    "events:DisableRule": f"arn:aws:events:us-east-1:{ACCOUNT}:rule/mlguard-stop",
    "lambda:DeleteFunction": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:mlguard-stop",
    "s3:PutLifecycleConfiguration": "arn:aws:s3:::team-ml-data",
    "iam:CreateRole": f"arn:aws:iam::{ACCOUNT}:role/mlguard-break-glass",
    "iam:UpdateAssumeRolePolicy": f"arn:aws:iam::{ACCOUNT}:role/mlguard-break-glass",
    "cloudwatch:DeleteAlarms": f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:mlguard-spend",
}


def _generated() -> list[dict[str, Any]]:
    lookup = bundled_parameters()
    return [
        statement
        for environment in lookup.environments
        for one in generate(bundled_policies(), lookup, environment).documents
        for statement in one.content["Statement"]
    ]


SUPPORTED = [
    written(name)
    for name in ENTRIES
    if "faults" not in ENTRIES[name] and "NotResource" not in ENTRIES[name]["statement"] and name != "br_mantle"
]


POOLS = {"all": [*SUPPORTED, *_generated()], "sound": [one for one in SUPPORTED if "Action" in one]}


def _has_several_group_types(request: Mapping[str, Any]) -> bool:
    """Leave out what the other evaluator reads as one value, as AWS's data say; AWS documents a list of all types."""
    types = request["context"].get("autoscaling:InstanceTypes")
    return isinstance(types, list) and len(types) > 1


def test_thousands_of_requests_are_decided_as_the_other_evaluator_decides(scp_evaluator: Evaluate) -> None:
    asked: list[dict[str, Any]] = []

    @settings(max_examples=DOCUMENTED + 200, database=None, deadline=None, derandomize=True,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(requests("all"))
    def collect(request: dict[str, Any]) -> None:
        arn = request.get("resource") or RESOURCES.get(_first(request["action"]))
        asked.append({**request, "id": str(len(asked)), **({"resource": arn} if arn else {})})

    collect()
    assert len(asked) >= DOCUMENTED
    unique = {statement["Sid"]: statement for statement in POOLS["all"]}
    documents = [document(*unique.values())]
    theirs = scp_evaluator(documents, asked)
    statements = statements_of(*documents)
    apart = [
        (request, ours, theirs[request["id"]])
        for request in asked
        if (ours := _ours(request, statements)) != theirs[request["id"]] and not _has_several_group_types(request)
    ]
    assert apart == []
    assert {"allowed", "denied"} == set(theirs.values())
    assert sum(decision == "denied" for decision in theirs.values()) > DOCUMENTED // 10


def _first(action: str) -> str:
    known = details(action)
    return next((kind for kind in known.resources if kind in known.required), "") if known else ""


def _ours(request: Mapping[str, Any], statements: Sequence[WrittenStatement]) -> str:
    arn = request.get("resource") or _resource(request["action"])
    asked = Request(request["action"], arn, request["principal"], context_of(request["context"]))
    return decide(asked, statements).outcome


APART = statements_of(document(*POOLS["sound"]))
PACKED = statements_of(*(one.content for one in pack(merge([Requested(one) for one in POOLS["sound"]]), "all", 10_240)))


@settings(max_examples=300, deadline=None)
@given(requests("sound"))
def test_united_and_packed_statements_decide_as_the_single_ones_do(request: dict[str, Any]) -> None:
    assert len(PACKED) < len(APART)
    assert _ours(request, PACKED) == _ours(request, APART)


texts = st.text(alphabet="ab*?", max_size=6)


@given(
    texts,
    st.text(alphabet=f"ab{HOLE}", max_size=5),
    st.lists(st.text(alphabet="ab", max_size=3), min_size=5, max_size=5),
)
def test_a_part_that_is_not_known_never_makes_a_wrong_answer(pattern: str, text: str, fillings: list[str]) -> None:
    answer = like(pattern, text)
    filled = text
    for filling in fillings:
        filled = filled.replace(HOLE, filling, 1)
    if answer is not None:
        assert like(pattern, filled) is answer


@pytest.mark.parametrize(
    ("pattern", "text", "wanted"),
    [
        ("arn:aws:s3:::*-ml-*", f"arn:aws:s3:::{HOLE}", None),
        ("arn:aws:s3:::*", f"arn:aws:s3:::{HOLE}", True),
        ("arn:aws:s3:::models", f"arn:aws:s3:::data-{HOLE}", False),
        ("arn:aws:ec2:*:*:instance/*", f"arn:aws:ec2:{HOLE}:{HOLE}:instance/i", True),
        ("arn:aws:iam::*:role/a", "arn:aws:iam::1:role/a", True),
        ("arn:aws:iam::*", "arn:aws:iam::1:role/a", False),
        ("*", HOLE, True),
        ("arn:aws:s3:::x", HOLE, None),
    ],
)
def test_arns_that_are_known_in_parts(pattern: str, text: str, wanted: bool | None) -> None:  # noqa: FBT001
    assert arn_like(pattern, text) is wanted


@pytest.mark.parametrize(
    ("values", "outcome", "key"),
    [
        (Values((HOLE,), because="var.size has no value"), "undecided", "sagemaker:InstanceTypes"),
        (Values(("ml.p5.48xlarge", HOLE)), "denied", ""),
        (Values(("ml.t3.medium", HOLE)), "undecided", "sagemaker:InstanceTypes"),
        (Values((f"ml.t3.{HOLE}",)), "allowed", ""),
        (Values((f"ml.p5.{HOLE}",)), "denied", ""),
        (Values((), open=True), "undecided", "sagemaker:InstanceTypes"),
    ],
)
def test_what_is_not_known_is_undecided_and_says_why(values: Values, outcome: str, key: str) -> None:
    exempt = {"aws:PrincipalArn": list(BREAK_GLASS)}
    condition = {"ForAnyValue:StringNotLike": {"sagemaker:InstanceTypes": ["ml.t3.*"]}, "ArnNotLike": exempt}
    statement = {
        "Sid": "S", "Effect": "Deny", "Action": "sagemaker:Create*", "Resource": "*", "Condition": condition,
    }  # fmt: skip
    asked = Request("sagemaker:CreateTrainingJob", context={"sagemaker:InstanceTypes": values})
    decision = decide(asked, statements_of(document(statement)))
    assert decision.outcome == outcome
    assert [one.key for one in decision.undecided] == ([key] if key else [])
    assert all(one.because for one in decision.undecided)


def test_no_pattern_takes_long() -> None:
    assert like("*a" * 300 + "b", "a" * 1_500) is False
    assert like("*a" * 300, HOLE * 20 + "c" * 500) is False
    assert like("[a]?*", "[a]bc") is True
    assert like("[a]", "a") is False
