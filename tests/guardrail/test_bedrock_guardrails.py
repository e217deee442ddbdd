"""Guardrails about tokens and tags decide as their policies judge: by an independent evaluator."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from mlguard.configuration import parse_configuration
from mlguard.errors import GuardrailError, PolicyError
from mlguard.guardrail.document import Guardrails, generate
from mlguard.policy.load import bundled_policies, parse_policy
from mlguard.policy.parameters import Parameters, bundled_parameters
from mlguard.source import Document

Evaluate = Callable[[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]], dict[str, str]]
BREAK_GLASS = "arn:aws:iam::123456789012:role/mlguard-break-glass"
MODEL = "arn:aws:bedrock:us-east-1::foundation-model/"
OWN = "arn:aws:bedrock:us-east-1:123456789012:"


def made(policy: str, environment: str = "sandbox", parameters: Parameters | None = None) -> Guardrails:
    chosen = [one for one in bundled_policies() if one.id == policy]
    return generate(chosen, parameters or bundled_parameters(), environment)


def decide(evaluate: Evaluate, guardrails: Guardrails, action: str, resource: str, context: Mapping[str, Any]) -> str:
    """Give the decision; and make sure that break-glass is always allowed."""
    request: dict[str, Any] = {"id": "one", "action": action, "context": dict(context)}
    if resource:
        request["resource"] = resource
    exempt = {**request, "id": "exempt", "principal": BREAK_GLASS}
    decided = evaluate([json.loads(one.text) for one in guardrails.documents], [request, exempt])
    assert decided["exempt"] == "allowed"
    return decided["one"]


APPROVAL = "aws:RequestTag/mlguard:approved-commitment"
INVOKE = "bedrock:InvokeModel"
PROFILE = "bedrock:InferenceProfileArn"
TAGS = {"aws:RequestTag/CostCenter": "4711", "aws:RequestTag/Team": "fraud", "aws:RequestTag/Environment": "prod"}
UNTAGGED = {key: value for key, value in TAGS.items() if not key.endswith("Team")}
ENDPOINT = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/x"
CASES = [
    (
        "provisioned-throughput-without-approval",
        "bedrock:CreateProvisionedModelThroughput",
        f"{MODEL}x.y",
        {},
        "denied",
    ),
    (
        "provisioned-throughput-without-approval",
        "bedrock:CreateProvisionedModelThroughput",
        f"{MODEL}x.y",
        {APPROVAL: "FIN-1"},
        "allowed",
    ),
    ("bedrock-model-not-allowed", INVOKE, f"{MODEL}anthropic.claude-3-opus-20240229-v1:0", {}, "denied"),
    ("bedrock-model-not-allowed", INVOKE, f"{MODEL}anthropic.claude-3-haiku-20240307-v1:0", {}, "allowed"),
    ("bedrock-model-not-allowed", INVOKE, f"{MODEL}amazon.nova-micro-v1:0", {}, "allowed"),
    ("bedrock-model-not-allowed", INVOKE, f"{OWN}inference-profile/us.amazon.nova-micro-v1:0", {}, "allowed"),
    ("bedrock-model-not-allowed", INVOKE, f"{OWN}provisioned-model/abcdefghijkl", {}, "allowed"),
    ("bedrock-without-inference-profile", INVOKE, f"{MODEL}amazon.nova-micro-v1:0", {}, "denied"),
    (
        "bedrock-without-inference-profile",
        INVOKE,
        f"{MODEL}amazon.nova-micro-v1:0",
        {PROFILE: f"{OWN}inference-profile/us.amazon.nova-micro-v1:0"},
        "denied",
    ),
    (
        "bedrock-without-inference-profile",
        INVOKE,
        f"{MODEL}amazon.nova-micro-v1:0",
        {PROFILE: f"{OWN}application-inference-profile/abcdefghijkl"},
        "allowed",
    ),
    ("cost-tags-missing", "sagemaker:CreateEndpoint", ENDPOINT, {}, "denied"),
    ("cost-tags-missing", "sagemaker:CreateEndpoint", ENDPOINT, UNTAGGED, "denied"),
    ("cost-tags-missing", "sagemaker:CreateEndpoint", ENDPOINT, TAGS, "allowed"),
    (
        "cost-tags-missing",
        "sagemaker:CreateEndpoint",
        ENDPOINT,
        {**TAGS, "aws:RequestTag/Environment": "productive"},
        "denied",
    ),
]


@pytest.mark.parametrize(("policy", "action", "resource", "context", "wanted"), CASES)
def test_decisions(
    policy: str, action: str, resource: str, context: dict[str, str], wanted: str, scp_evaluator: Evaluate
) -> None:
    assert decide(scp_evaluator, made(policy), action, resource, context) == wanted


def test_an_environment_that_allows_every_model_has_no_such_guardrail() -> None:
    guardrails = made("bedrock-model-not-allowed", "production")
    assert guardrails.documents == ()
    assert "production allows every value" in guardrails.left_out[0][1]


def test_a_list_of_ones_own_is_that_of_the_guardrail() -> None:
    own = parse_configuration(Document(".mlguard.yaml", "parameters: {allowed_bedrock_models: [amazon.nova-micro-*]}"))
    guardrails = made("bedrock-model-not-allowed", "sandbox", own.parameters)
    (statement,) = [
        one
        for document in guardrails.documents
        for one in document.content["Statement"]
        if one["Sid"] == "DenyBedrockModelsNotAllowed"
    ]
    models = [one for one in statement["NotResource"] if "foundation-model" in one]
    assert models == ["arn:aws:bedrock:*::foundation-model/amazon.nova-micro-*"]
    assert "Resource" not in statement
    assert guardrails.manifest["DenyBedrockModelsNotAllowed"]["parameters"] == [
        "allowed_bedrock_models(environment=sandbox)"
    ]


def test_each_tag_that_is_required_has_a_statement_of_its_own() -> None:
    own = parse_configuration(Document(".mlguard.yaml", "parameters: {required_cost_tags: [cost:center, Owner]}"))
    guardrails = made("cost-tags-missing", "sandbox", own.parameters)
    content = {one["Sid"]: one for document in guardrails.documents for one in document.content["Statement"]}
    wanted = {"RequireCostTagCostcenter": "cost:center", "RequireCostTagOwner": "Owner"}
    assert {sid: content[sid]["Condition"]["Null"] for sid in wanted} == {
        sid: {f"aws:RequestTag/{key}": "true"} for sid, key in wanted.items()
    }
    assert not [sid for sid in content if sid.startswith("RequireCostTag") and sid not in wanted]
    uses = guardrails.manifest["RequireCostTagOwner"]["parameters"]
    assert uses == ["required_cost_tags(environment=sandbox)"]


def test_a_value_that_does_not_belong_into_an_scp_is_refused() -> None:
    own = parse_configuration(Document(".mlguard.yaml", 'parameters: {allowed_bedrock_models: ["${x}"]}'))
    with pytest.raises(GuardrailError, match="begins a policy variable"):
        made("bedrock-model-not-allowed", "sandbox", own.parameters)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{allowed_bedrock_models}", "{allowed_bedrock_model}", 'did you mean "allowed_bedrock_models"'),
        ("      not_resource:", '      resource: "*"\n      not_resource:', "not both"),
        ("      not_resource:", "      not_resources:", 'did you mean "not_resource"'),
    ],
)
def test_a_wrong_statement_is_refused_with_its_place(old: str, new: str, message: str) -> None:
    path = Path(__file__).parents[2] / "policies" / "bedrock" / "bedrock-model-not-allowed.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(PolicyError, match=message) as caught:
        parse_policy(Document("p.yaml", text.replace(old, new, 1)))
    assert caught.value.line
