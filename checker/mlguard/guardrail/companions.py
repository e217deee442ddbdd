"""What serves better than an SCP: a tag policy for required tags, a budget that freezes the sandbox at a threshold."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from mlguard.policy.parameters import Parameters
from mlguard.record import record

_TAGS = ("CostCenter", "Owner", "Environment")
_REQUIRED_FOR = ("sagemaker:ALL_SUPPORTED", "ec2:instance", "s3:bucket")
_PARAMETER = "required_tags"


@record()
class Companion:
    """A file beside the SCPs, and what it is for."""

    name: str
    text: str
    what: str


def companions(parameters: Parameters, environment: str, policy_name: str) -> tuple[Companion, ...]:
    """Give the companions of an environment; `policy_name` is the SCP that the budget attaches."""
    made = [
        Companion(
            "tag-policy.json",
            json.dumps(tag_policy(parameters), separators=(",", ":"), ensure_ascii=True),
            "a tag policy: reports resources without the required tags, and checks them before a deployment",
        )
    ]
    if environment == parameters.default_environment and policy_name:
        made += [
            Companion("budget.tf", _terraform(policy_name), "a budget that asks to attach the SCP at its limit"),
            Companion("budget.template.json", _cloudformation(policy_name), "the same budget in CloudFormation"),
        ]
    return tuple(made)


def tag_policy(parameters: Parameters) -> Mapping[str, object]:
    """Give a tag policy that requires the tags of the organization, and names the environments there are."""
    declared = parameters.declarations.get(_PARAMETER)
    names: Sequence[str] = parameters.value(_PARAMETER, {}) if declared is not None else _TAGS
    tags: dict[str, object] = {}
    for name in names:
        tag: dict[str, object] = {
            "tag_key": {"@@assign": name},
            "report_required_tag_for": {"@@assign": list(_REQUIRED_FOR)},
        }
        if name.lower() == "environment":
            tag["tag_value"] = {"@@assign": sorted(parameters.environments)}
        tags[name] = tag
    return {"tags": tags}


def _terraform(policy_name: str) -> str:
    return _BUDGET.replace("POLICY_NAME", policy_name)


_BUDGET = """# Written by mlguard scp generate, for the management account.
variable "budget_limit_usd" {
  description = "What the accounts may spend in a month, in USD."
  type        = number
}

variable "budget_email" {
  description = "Who is told, and who approves."
  type        = string
}

variable "frozen_policy_id" {
  description = "The id (p-...) of the SCP POLICY_NAME."
  type        = string
}

variable "frozen_targets" {
  description = "The OUs and accounts that the SCP is attached to at the limit; never the root."
  type        = list(string)
}

variable "budget_role_arn" {
  description = "The role with which AWS Budgets attaches the SCP."
  type        = string
}

resource "aws_budgets_budget" "frozen" {
  name         = "mlguard-POLICY_NAME"
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
      policy_id  = var.frozen_policy_id
      target_ids = var.frozen_targets
    }
  }

  subscriber {
    address           = var.budget_email
    subscription_type = "EMAIL"
  }
}
"""


def _cloudformation(policy_name: str) -> str:
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"A budget that asks to attach the SCP {policy_name} at its limit; for the management account",
        "Parameters": {
            "LimitUsd": {"Type": "Number", "Description": "What the accounts may spend in a month, in USD"},
            "Email": {"Type": "String", "Description": "Who is told, and who approves"},
            "PolicyId": {"Type": "String", "Description": "The id of the SCP, p-..."},
            "TargetIds": {"Type": "CommaDelimitedList", "Description": "OUs and accounts; never the root"},
            "RoleArn": {"Type": "String", "Description": "The role with which AWS Budgets attaches the SCP"},
        },
        "Resources": {"Budget": _budget(f"mlguard-{policy_name}"), "Freeze": _action(f"mlguard-{policy_name}")},
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


def _action(name: str) -> Mapping[str, object]:
    definition = {"PolicyId": {"Ref": "PolicyId"}, "TargetIds": {"Ref": "TargetIds"}}
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
