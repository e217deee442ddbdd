"""The law that joins lint and guardrail: what a policy reports is denied, what it accepts is allowed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from mlguard.configuration import Configuration
from mlguard.explain import with_examples
from mlguard.guardrail.document import generate
from mlguard.policy.load import bundled_policies
from mlguard.policy.model import Example, Policy
from mlguard.policy.parameters import bundled_parameters
from mlguard.rehearsal import requests_of
from mlguard.resource import Resource
from mlguard.scan import Options, scan
from mlguard.scan import check as checking
from mlguard.scenario import explore
from mlguard.scp.actions import is_multivalued
from mlguard.scp.decide import Request
from mlguard.scp.matching import HOLE
from mlguard.source import Root
from mlguard.value import settle

Evaluate = Callable[[list[Any], list[dict[str, Any]]], Mapping[str, str]]
BREAK_GLASS = "arn:aws:iam::123456789012:role/mlguard-break-glass"
ACTIONS = {
    "sagemaker.notebook_instance": "sagemaker:CreateNotebookInstance",
    "sagemaker.endpoint_config": "sagemaker:CreateEndpointConfig",
    "sagemaker.training_job": "sagemaker:CreateTrainingJob",
    "sagemaker.processing_job": "sagemaker:CreateProcessingJob",
    "ec2.instance": "ec2:RunInstances",
    "ec2.capacity_reservation": "ec2:CreateCapacityReservation",
    "autoscaling.group": "autoscaling:CreateAutoScalingGroup",
    "glue.development_endpoint": "glue:CreateDevEndpoint",
    "ec2.volume": "ec2:CreateVolume",
}
OTHERS = ("image", "network-interface", "security-group", "subnet")  # beside the instance of a launch
ONE_TYPE = ('"ForAnyValue:StringLike":{"autoscaling:', '"StringLike":{"autoscaling:')
"""The evaluator takes `autoscaling:InstanceTypes` for one value, as AWS's data say; for one value both are the same."""
# guardrails about tokens and tags ask for other requests than those of machines: test_bedrock_guardrails.py
PREVENTIVE = [
    policy
    for policy in bundled_policies()
    if policy.guardrail.enforce == "preventive" and policy.pack not in ("bedrock", "tagging")
]


def resources_of(example: Example, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Resource]:
    """Give the resources of an example as the scan names them."""
    found: list[Resource] = []
    judge = checking.check_project

    def watch(project: Any, *arguments: Any) -> Any:  # noqa: ANN401
        found.extend(project.resources)
        return judge(project, *arguments)

    monkeypatch.setattr("mlguard.scan.judging.check_project", watch)
    name = "main.tf" if example.language == "terraform" else "template.yaml"
    (folder / name).write_text(example.code, encoding="utf-8")
    scan(
        Options(
            root=Root(folder),
            policies=tuple(bundled_policies()),
            configuration=Configuration(),
            environment=example.environment,
            region=example.region,
        )
    )
    return found


def calls_of(resource: Resource) -> Iterator[dict[str, Any]]:
    """Give the requests that would create a resource, one for each scenario, where all that matters is known."""
    for outcome in explore(lambda scenario: list(requests_of(resource, scenario))):
        for request in outcome.result:
            if (
                request.action in ACTIONS.values()
                and request.resource.split(":", 5)[-1].partition("/")[0] not in OTHERS
            ):
                known = _known(request)
                if known is not None:
                    yield known


def _known(request: Request) -> dict[str, Any] | None:
    """Give a request as the other evaluator reads it; None where an instance type is not known."""
    context: dict[str, Any] = {}
    for key, values in request.context.items():
        if values is None or "*" in key or not (values.known or values.open):
            continue
        filled = [value.replace(HOLE, "example") for value in values.known]
        if key.endswith(("InstanceTypes", "InstanceType")) and (values.open or HOLE in "".join(values.known)):
            return None
        if key == "aws:RequestedRegion" and HOLE in values.known:
            filled = ["us-east-1"]
        if filled:
            context[key] = filled if is_multivalued(key) else filled[0]
    parts = request.resource.split(":", 5)
    if len(parts) > 1:
        parts[3] = parts[3].replace(HOLE, context["aws:RequestedRegion"])
        parts[4] = parts[4].replace(HOLE, "123456789012")
    resource = ":".join(parts).replace(HOLE, "example")
    return {"action": request.action, "context": context, "resource": resource}


def _meant(example: Example, resource: Resource) -> bool:
    """Leave out what no request shows: what other resources of the code say or do, or a tag of the code."""
    beyond = (
        "schedule",
        "Ref gives the ARN",
        "must stay",
        "launch template",
        "warm pool",
        "without accelerators",
        "provisioned",
    )
    return resource.kind in ACTIONS and not any(words in example.title for words in beyond)


@pytest.mark.parametrize("policy", PREVENTIVE, ids=lambda policy: policy.id)
def test_what_is_reported_is_denied_and_what_is_accepted_is_allowed(
    policy: Policy, scp_evaluator: Evaluate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_environment: dict[str, list[dict[str, Any]]] = {}
    of_example: dict[int, list[str]] = {}
    examples = [example for example in with_examples(policy).examples if example.expect != "unknown"]
    for index, example in enumerate(examples):
        folder = tmp_path / str(index)
        folder.mkdir()
        for resource in resources_of(example, folder, monkeypatch):
            for request in calls_of(resource) if _meant(example, resource) else ():
                name = f"{index}-{len(of_example.get(index, ()))}"
                of_example.setdefault(index, []).append(name)
                requests = by_environment.setdefault(_environment(resource), [])
                requests.append({**request, "id": name})
                requests.append({**request, "id": f"{name}-exempt", "principal": BREAK_GLASS})
    decisions: dict[str, str] = {}
    for environment, requests in by_environment.items():
        documents = generate([policy], bundled_parameters(), environment).documents
        texts = [document.text.replace(*ONE_TYPE) for document in documents]
        decisions |= dict(scp_evaluator([json.loads(text) for text in texts], requests))
    outright = any(not statement.condition for statement in policy.guardrail.statements)  # it accepts nothing of a kind
    seen = {expect for index, expect in enumerate(one.expect for one in examples) if index in of_example}
    assert seen == ({"fail"} if outright else {"fail", "pass"})
    for index, names in of_example.items():
        assert {decisions[f"{name}-exempt"] for name in names} == {"allowed"}
        found = {decisions[name] for name in names}
        if examples[index].expect == "fail":
            assert "denied" in found, examples[index].code
        else:
            assert found == {"allowed"}, examples[index].code


def _environment(resource: Resource) -> str:
    content = next(explore(lambda scenario: settle(resource.properties["environment"], scenario).content)).result
    assert isinstance(content, str)
    return content


def test_every_preventive_policy_is_here() -> None:
    assert [policy.id for policy in PREVENTIVE] == [
        "accelerated-group-never-empty",
        "capacity-reservation-without-end",
        "instance-type-not-allowed",
        "interactive-service-without-idle-stop",
        "job-without-runtime-limit",
        "notebook-without-lifecycle-config",
        "outdated-accelerator",
        "premium-accelerator-in-nonproduction",
        "premium-region",
        "region-not-allowed",
        "volume-type-overpriced",
    ]
