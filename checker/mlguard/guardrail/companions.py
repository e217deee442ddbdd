"""What serves better than an SCP: a tag policy for required tags, a budget that freezes the sandbox at a threshold."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from mlguard.policy.parameters import Parameters
from mlguard.record import record

_REQUIRED_FOR = ("sagemaker:ALL_SUPPORTED", "ec2:instance", "s3:bucket")
_TAGS = "required_cost_tags"
_VALUES = "environment_tag_values"


@record()
class Companion:
    """A file beside the SCPs, and what it is for."""

    name: str
    text: str
    what: str


def companions(parameters: Parameters, environment: str, policies: Sequence[str]) -> tuple[Companion, ...]:
    """Give the companions of an environment; `policies` are the names of the SCPs that the budget attaches."""
    made = [
        Companion(
            "tag-policy.json",
            json.dumps(tag_policy(parameters, environment), separators=(",", ":"), ensure_ascii=True),
            "a tag policy: reports resources without the required tags, and checks them before a deployment",
        )
    ]
    if environment == parameters.default_environment and policies:
        name = f"mlguard-{environment}"
        made += [
            Companion("budget.tf", _terraform(name, policies), "a budget that asks to attach the SCPs at its limit"),
            Companion("budget.template.json", _cloudformation(name, policies), "the same budget in CloudFormation"),
        ]
    return tuple(made)


def tag_policy(parameters: Parameters, environment: str) -> Mapping[str, object]:
    """Give a tag policy that requires the tags which the lint requires, with the values that it accepts."""
    tags: dict[str, object] = {}
    for name in _list(parameters, _TAGS, environment):
        tag: dict[str, object] = {
            "tag_key": {"@@assign": name},
            "report_required_tag_for": {"@@assign": list(_REQUIRED_FOR)},
        }
        if name.lower() == "environment":
            tag["tag_value"] = {"@@assign": sorted(_list(parameters, _VALUES, environment))}
        tags[name] = tag
    return {"tags": tags}


def _list(parameters: Parameters, name: str, environment: str) -> list[str]:
    if name not in parameters.declarations:
        return []
    found = parameters.value(name, {"environment": environment})
    return [str(one) for one in found] if isinstance(found, list | tuple) else [str(found)]


def _terraform(name: str, policies: Sequence[str]) -> str:
    text = _BUDGET.replace("BUDGET_NAME", name).replace("NAMES_IN_WORDS", ", ".join(policies))
    return text.replace("POLICY_NAMES", json.dumps(list(policies)))


_BUDGET = """# Written by mlguard scp generate, for the management account.
variable "budget_limit_usd" {
  description = "What the accounts may spend in a month, in USD."
  type        = number
}

variable "budget_email" {
  description = "Who is told, and who approves."
  type        = string
}

variable "frozen_policy_ids" {
  description = "The id (p-...) of each SCP, by its name."
  type        = map(string)
  validation {
    condition     = toset(keys(var.frozen_policy_ids)) == toset(POLICY_NAMES)
    error_message = "Name the id of each of NAMES_IN_WORDS."
  }
}

variable "frozen_targets" {
  description = "The OUs and accounts that the SCPs are attached to at the limit; never the root."
  type        = list(string)
}

variable "budget_role_arn" {
  description = "The role with which AWS Budgets attaches the SCPs."
  type        = string
}

resource "aws_budgets_budget" "frozen" {
  name         = "BUDGET_NAME"
  budget_type  = "COST"
  limit_amount = tostring(var.budget_limit_usd)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"

  notification {
    comparison_operator        = "GREATER_THAN"
    threshold                  = 80
    threshold_type             = "PERCENTAGE"
    notification_type          = "ACTUAL"
    subscriber_email_addresses = [var.budget_email]
  }
}

resource "aws_budgets_budget_action" "frozen" {
  for_each           = var.frozen_policy_ids
  budget_name        = aws_budgets_budget.frozen.name
  action_type        = "APPLY_SCP_POLICY"
  approval_model     = "MANUAL"
  notification_type  = "ACTUAL"
  execution_role_arn = var.budget_role_arn

  action_threshold {
    action_threshold_type  = "PERCENTAGE"
    action_threshold_value = 100
  }

  definition {
    scp_action_definition {
      policy_id  = each.value
      target_ids = var.frozen_targets
    }
  }

  subscriber {
    address           = var.budget_email
    subscription_type = "EMAIL"
  }
}
"""


def _cloudformation(name: str, policies: Sequence[str]) -> str:
    ids = {f"PolicyId{number}": policy for number, policy in enumerate(policies, 1)}
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "A budget that asks to attach the SCPs of mlguard at its limit; for the management account",
        "Parameters": {
            "LimitUsd": {"Type": "Number", "Description": "What the accounts may spend in a month, in USD"},
            "Email": {"Type": "String", "Description": "Who is told, and who approves"},
            **{key: {"Type": "String", "Description": f"The id of {policy}, p-..."} for key, policy in ids.items()},
            "TargetIds": {"Type": "CommaDelimitedList", "Description": "OUs and accounts; never the root"},
            "RoleArn": {"Type": "String", "Description": "The role with which AWS Budgets attaches the SCPs"},
        },
        "Resources": {
            "Budget": _budget(name),
            **{f"Freeze{number}": _action(name, key) for number, key in enumerate(ids, 1)},
        },
    }
    return json.dumps(template, indent=1, ensure_ascii=True) + "\n"


def _budget(name: str) -> Mapping[str, object]:
    notification = {
        "NotificationType": "ACTUAL",
        "ComparisonOperator": "GREATER_THAN",
        "Threshold": 80,
        "ThresholdType": "PERCENTAGE",
    }
    subscriber = {"SubscriptionType": "EMAIL", "Address": {"Ref": "Email"}}
    properties = {
        "Budget": {
            "BudgetName": name,
            "BudgetType": "COST",
            "TimeUnit": "MONTHLY",
            "BudgetLimit": {"Amount": {"Ref": "LimitUsd"}, "Unit": "USD"},
        },
        "NotificationsWithSubscribers": [{"Notification": notification, "Subscribers": [subscriber]}],
    }
    return {"Type": "AWS::Budgets::Budget", "Properties": properties}


def _action(name: str, policy: str) -> Mapping[str, object]:
    definition = {"PolicyId": {"Ref": policy}, "TargetIds": {"Ref": "TargetIds"}}
    properties = {
        "BudgetName": name,
        "ActionType": "APPLY_SCP_POLICY",
        "ApprovalModel": "MANUAL",
        "NotificationType": "ACTUAL",
        "ExecutionRoleArn": {"Ref": "RoleArn"},
        "ActionThreshold": {"Type": "PERCENTAGE", "Value": 100},
        "Definition": {"ScpActionDefinition": definition},
        "Subscribers": [{"Type": "EMAIL", "Address": {"Ref": "Email"}}],
    }
    return {"Type": "AWS::Budgets::BudgetsAction", "DependsOn": "Budget", "Properties": properties}
