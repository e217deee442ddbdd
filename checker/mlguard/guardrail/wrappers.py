"""SCPs as code that creates them: Terraform, CloudFormation, a shell script. None attaches anything by itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from mlguard.guardrail.document import Guardrails
from mlguard.guardrail.introduction import as_comment, as_metadata
from mlguard.guardrail.merging import ScpDocument

# an OU or an account; the root is left out on purpose: it reaches every account at once
TARGET = r"^(\d{12}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32})$"
_FIRST_LINE = "mlguard cost guardrails ({environment}, part {number} of {count})"


def _described(guardrails: Guardrails, number: int) -> str:
    return _FIRST_LINE.format(environment=guardrails.environment, number=number, count=len(guardrails.documents))


def _identifier(document: ScpDocument) -> str:
    return re.sub(r"\W", "_", document.name)


def terraform(guardrails: Guardrails) -> str:
    """Give a Terraform configuration: the policies, and attachments to targets of which there are none by default."""
    environment = re.sub(r"\W", "_", guardrails.environment)
    targets = f"{environment}_targets"
    parts = [
        "# Written by mlguard scp generate; nothing is attached before somebody names the targets.",
        *as_comment(guardrails),
        "",
        f'variable "{targets}" {{',
        '  description = "The OUs and accounts that the guardrails are attached to; none by default, never the root."',
        "  type        = list(string)",
        "  default     = []",
        "  validation {",
        f"    condition     = alltrue([for target in var.{targets} : can(regex({json.dumps(TARGET)}, target))])",
        '    error_message = "Name OUs (ou-...) and accounts (12 digits)."',
        "  }",
        "}",
    ]
    for number, document in enumerate(guardrails.documents, 1):
        name = _identifier(document)
        content = json.dumps(document.content, indent=2, ensure_ascii=True).replace("\n", "\n  ")
        parts += [
            "",
            f'resource "aws_organizations_policy" "{name}" {{',
            f'  name        = "{document.name}"',
            f'  description = "{_described(guardrails, number)}"',
            '  type        = "SERVICE_CONTROL_POLICY"',
            f"  content = jsonencode({content})",
            "}",
            "",
            f'resource "aws_organizations_policy_attachment" "{name}" {{',
            f"  for_each  = toset(var.{targets})",
            f"  policy_id = aws_organizations_policy.{name}.id",
            "  target_id = each.value",
            "}",
        ]
    return "\n".join(parts) + "\n"


def cloudformation(guardrails: Guardrails) -> str:
    """Give a CloudFormation template for the management account, as JSON; attached to nothing by default."""
    resources: dict[str, object] = {}
    for number, document in enumerate(guardrails.documents, 1):
        logical_id = "".join(word.capitalize() for word in re.split(r"\W", document.name))
        resources[logical_id] = {
            "Type": "AWS::Organizations::Policy",
            "Properties": {
                "Name": document.name,
                "Description": _described(guardrails, number),
                "Type": "SERVICE_CONTROL_POLICY",
                "Content": document.content,
                "TargetIds": {"Fn::If": ["IsAttached", {"Ref": "TargetIds"}, {"Ref": "AWS::NoValue"}]},
            },
        }
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"mlguard cost guardrails ({guardrails.environment})",
        "Metadata": {"mlguard": as_metadata(guardrails)},
        "Parameters": {
            "TargetIds": {
                "Type": "CommaDelimitedList",
                "Default": "",
                "Description": "OUs and accounts that the guardrails are attached to; none by default, never the root",
                "AllowedPattern": f"^$|{TARGET}",
            }
        },
        "Conditions": {"IsAttached": {"Fn::Not": [{"Fn::Equals": [{"Fn::Join": ["", {"Ref": "TargetIds"}]}, ""]}]}},
        "Resources": resources,
    }
    return json.dumps(template, indent=1, ensure_ascii=True) + "\n"


def script(guardrails: Guardrails) -> str:
    """Give a shell script that creates the policies; the lines that would attach them are comments."""
    parts = [
        "#!/bin/sh",
        "# Written by mlguard scp generate. Creates the guardrails in the management account and attaches nothing.",
        *as_comment(guardrails),
        "set -eu",
    ]
    for number, document in enumerate(guardrails.documents, 1):
        parts += [
            "",
            "content=$(cat <<'SCP'",
            document.text,
            "SCP",
            ")",
            "id=$(aws organizations create-policy --type SERVICE_CONTROL_POLICY \\",
            f"  --name {document.name} --description '{_described(guardrails, number)}' \\",
            '  --content "$content" --query Policy.PolicySummary.Id --output text)',
            f'echo "{document.name}: $id"',
            "# after the rehearsal (mlguard scp impact), to a sandbox OU first:",
            '# aws organizations attach-policy --policy-id "$id" --target-id ou-xxxx-xxxxxxxx',
        ]
    return "\n".join(parts) + "\n"


WRAPPERS: Mapping[str, tuple[str, Callable[[Guardrails], str]]] = {
    "terraform": ("guardrails.tf", terraform),
    "cloudformation": ("guardrails.template.json", cloudformation),
    "cli": ("create.sh", script),
}
"""The file and the function of each format beside plain JSON."""
