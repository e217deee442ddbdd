"""What a statement does beside its purpose, in words: who is hit as well, and who is not bound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_LAUNCHES = frozenset(("ec2:CreateFleet", "ec2:RunInstances", "ec2:StartInstances"))
_STUDIO = frozenset(("sagemaker:UpdateDomain", "sagemaker:UpdateUserProfile"))
_SETTING = {
    "budgets:ModifyBudget": "budgets of that name cannot be created either: one action creates, changes and deletes",
    "s3:PutLifecycleConfiguration": "rules cannot be set either: the same action sets, changes and deletes them",
}
NEVER_BOUND = (
    "the management account: no SCP binds it",
    "service-linked roles, such as those of Auto Scaling, Batch and managed node groups: no SCP binds them",
)


def side_effects(statement: Mapping[str, Any]) -> list[str]:
    """Give the side effects of a statement as it was rendered."""
    return [*_of_actions(statement), *_of_conditions(statement)]


def does_not_bind(statement: Mapping[str, Any]) -> list[str]:
    """Give who may do what the statement denies, because no SCP binds them."""
    if not set(statement["Action"]) & _LAUNCHES:
        return []
    return ["launches by service-linked roles (Auto Scaling, AWS Batch, managed node groups)"]


def _of_actions(statement: Mapping[str, Any]) -> Iterator[str]:
    actions = set(statement["Action"])
    if actions & _LAUNCHES:
        yield "launches by service roles (EMR, Karpenter) are bound, too"
    if any(action.startswith("sagemaker:Create") and action.endswith("Job") for action in actions):
        yield "jobs that a pipeline or a state machine starts are bound, too: they run with a role of the account"
    if "sagemaker:CreateEndpointConfig" in actions:
        yield "endpoints that exist, and new endpoints of configurations that exist, are not touched"
    if actions & _STUDIO and set(statement.get("Condition", {})) <= {"ArnNotLike"}:
        yield "everybody but the exempt roles is kept from changing domains and profiles, for whatever reason"
    for action in sorted(actions & _SETTING.keys()):
        yield _SETTING[action]
    if any(action.startswith("application-autoscaling:D") for action in actions):
        yield "endpoints that scale are torn down by the exempt roles alone: what scales them goes with them"


def _of_conditions(statement: Mapping[str, Any]) -> Iterator[str]:
    for operator, tests in statement.get("Condition", {}).items():
        for key, value in tests.items():
            if operator == "Null" and value == "true":
                yield f"requests without {key} are denied"
            elif key == "ec2:VolumeType":
                yield "images whose root volume is of such a type do not start, unless the launch asks for another"
            elif key == "aws:RequestedRegion":
                yield "what runs elsewhere goes on running, and can be stopped and deleted there"
