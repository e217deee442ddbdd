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
from mlguard.resource import Resource
from mlguard.scan import Options, scan
from mlguard.scan import check as checking
from mlguard.scenario import explore
from mlguard.source import Root
from mlguard.value import Items, Unknown, child, settle, text_of

Evaluate = Callable[[list[Any], list[dict[str, Any]]], Mapping[str, str]]
BREAK_GLASS = "arn:aws:iam::123456789012:role/mlguard-break-glass"
ACTIONS = {
    "sagemaker.notebook_instance": "sagemaker:CreateNotebookInstance",
    "sagemaker.endpoint_config": "sagemaker:CreateEndpointConfig",
    "sagemaker.training_job": "sagemaker:CreateTrainingJob",
    "ec2.instance": "ec2:RunInstances",
}
PREVENTIVE = [policy for policy in bundled_policies() if policy.guardrail.enforce == "preventive"]


def resources_of(example: Example, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Resource]:
    """Give the resources of an example as the scan names them."""
    found: list[Resource] = []
    judge = checking.check_project

    def watch(project: Any, *arguments: Any) -> Any:  # noqa: ANN401
        found.extend(project.resources)
        return judge(project, *arguments)

    monkeypatch.setattr("mlguard.scan.check_project", watch)
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


def requests_of(resource: Resource, default_region: str) -> Iterator[dict[str, Any]]:
    """Turn a resource into the API requests that would create it, one for each scenario."""
    for outcome in explore(lambda scenario: _request(resource, scenario, default_region)):
        if outcome.result is not None:
            yield outcome.result


def _request(resource: Resource, scenario: Any, default_region: str) -> dict[str, Any] | None:  # noqa: ANN401
    machines = settle(resource.properties["machines"], scenario).content
    assert isinstance(machines, Items)
    types = []
    for machine in machines.nodes:
        kind = child(machine, "type", scenario)
        if kind is None or isinstance(kind.content, Unknown):
            return None
        types.append(text_of(kind.content))
    region = settle(resource.raw.region, scenario).content
    request: dict[str, Any] = {
        "action": ACTIONS[resource.kind],
        "region": region if isinstance(region, str) else default_region,
    }
    if resource.kind == "ec2.instance":
        request["resource"] = f"arn:aws:ec2:{request['region']}:123456789012:instance/i-1"
        request["context"] = {"ec2:InstanceType": types[0], "aws:RequestedRegion": request.pop("region")}
        return request
    request["context"] = {"sagemaker:InstanceTypes": types, "aws:RequestedRegion": request.pop("region")}
    configured = resource.properties.get("idle_stop")
    if configured is not None and settle(configured, scenario).content in ("configured", "scheduled"):
        arn = "arn:aws:sagemaker:us-east-1:123456789012:notebook-instance-lifecycle-config/x"
        request["context"]["sagemaker:NotebookInstanceLifecycleConfigArns"] = [arn]
    return request


def _meant(example: Example, resource: Resource) -> bool:
    """Leave out what no request shows: a stop by a schedule, a name that cannot work, a tag of the code."""
    beyond = ("schedule", "Ref gives the ARN", "must stay")
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
            for request in requests_of(resource, "us-east-1") if _meant(example, resource) else ():
                name = f"{index}-{len(of_example.get(index, ()))}"
                of_example.setdefault(index, []).append(name)
                requests = by_environment.setdefault(_environment(resource), [])
                requests.append({**request, "id": name})
                requests.append({**request, "id": f"{name}-exempt", "principal": BREAK_GLASS})
    decisions: dict[str, str] = {}
    for environment, requests in by_environment.items():
        documents = generate([policy], bundled_parameters(), environment).documents
        decisions |= dict(scp_evaluator([json.loads(document.text) for document in documents], requests))
    assert {expect for index, expect in enumerate(one.expect for one in examples) if index in of_example} == {
        "fail",
        "pass",
    }
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
        "instance-type-not-allowed",
        "notebook-without-lifecycle-config",
        "outdated-accelerator",
        "premium-accelerator-in-nonproduction",
        "premium-region",
    ]
