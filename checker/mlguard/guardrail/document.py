"""Give the SCPs that belong to policies, and refuse to give what is not safe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlguard.errors import GuardrailError
from mlguard.guardrail.effects import does_not_bind, side_effects
from mlguard.guardrail.merging import Requested, ScpDocument, merge, pack, refuse_repeated
from mlguard.guardrail.statement import (
    EXEMPTION,
    ParameterLookup,
    allows_everything,
    each,
    in_partition,
    is_void,
    parameters,
    render,
)
from mlguard.guardrail.values import refuse_open_exemptions, refuse_other_regions, refuse_widening
from mlguard.policy.model import Policy, Statement
from mlguard.policy.parameters import Parameters
from mlguard.record import record
from mlguard.scp.breadth import cleaning_actions
from mlguard.scp.check import MAX_CHARS, SLOTS, check_together
from mlguard.scp.reading import read
from mlguard.scp.written import Fault, WrittenStatement

BREAK_GLASS = (
    "arn:aws:iam::*:role/mlguard-break-glass",
    "arn:aws:iam::*:role/aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_MLPlatformAdmin_*",
)
# those who create the break-glass role in a new account
_FOUNDERS = (
    "arn:aws:iam::*:role/AWSControlTowerExecution",
    "arn:aws:iam::*:role/OrganizationAccountAccessRole",
    "arn:aws:iam::*:role/stacksets-exec-*",
)
_RESERVED = ":role/aws-reserved/"
# what a person may write deliberately, and a generator may not
_STRICT = frozenset(("denies-cleaning-up", "names-everything", "region-lock-hits-inference"))
_EVERYTHING = {"sagemaker:InstanceTypes": {"*", "ml.*"}}
PROTECTION_SID = "ProtectBreakGlassRole"
_PROTECTED_FROM = (
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:DeleteRolePermissionsBoundary",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
)


@record()
class Options:
    """How to generate: the limits of the organization, and who is never bound.

    `max_chars` is the longest SCP, `slots` the number that can be attached to one target. `exempt` are the ARN
    patterns of break-glass principals; `founders` those that may create and change the exempt roles.
    """

    max_chars: int = MAX_CHARS
    slots: int = SLOTS
    exempt: tuple[str, ...] = BREAK_GLASS
    protect_break_glass: bool = True
    founders: tuple[str, ...] = _FOUNDERS
    partition: str = "aws"


@record()
class Guardrails:
    """The SCPs for one environment, where each statement comes from, and what no SCP can do.

    `manifest` maps each Sid to its `document`, `policies`, `parameters`, `enforce`, `limits`, `side_effects` and
    `does_not_bind`. `not_enforceable` are pairs of a policy's id and the reason; `left_out` are such pairs for
    statements that would deny nothing in this environment. `exempt` are the ARN patterns of who is never bound.
    """

    environment: str
    documents: tuple[ScpDocument, ...]
    manifest: Mapping[str, Mapping[str, Any]]
    not_enforceable: tuple[tuple[str, str], ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    exempt: tuple[str, ...] = ()
    max_chars: int = MAX_CHARS

    @property
    def statements(self) -> list[WrittenStatement]:
        """Give the statements as one reads them in the documents."""
        return [statement for document in self.documents for statement in read(document.text).statements]

    @property
    def gaps(self) -> tuple[str, ...]:
        """Say what the guardrails of the policies leave open: statements without effect here, and who is not bound."""
        missing = (f"{policy}: {because}" for policy, because in self.left_out)
        unbound = (f"{sid} does not bind {who}" for sid, one in self.manifest.items() for who in one["does_not_bind"])
        return (*missing, *unbound)


def generate(
    policies: Iterable[Policy], lookup: ParameterLookup, environment: str, options: Options | None = None
) -> Guardrails:
    """Give the SCPs that keep an environment from the mistakes of the policies.

    The result depends on what the policies say, not on their order. Raises GuardrailError where a statement cannot be
    rendered, where it does not fit, and where the result would fail its own safety checks.
    """
    options = options or Options()
    if isinstance(lookup, Parameters):
        refuse_widening(lookup)
    refuse_open_exemptions(options.exempt)
    rendered: list[Requested] = []
    hopeless: list[tuple[str, str]] = []
    left_out: list[tuple[str, str]] = []
    for policy in sorted(policies, key=lambda policy: policy.id):
        if policy.guardrail.enforce == "none":
            hopeless.append((policy.id, policy.guardrail.limits or "no condition key of AWS tells it"))
        for statement in policy.guardrail.statements:
            contents, why = _rendered(policy, statement, lookup, environment, options)
            if why:
                left_out.append((policy.id, f"{statement.sid} would deny nothing: {environment} {why}"))
            uses = {str(use) for use in parameters(statement, environment)}
            limits = [policy.guardrail.limits] if policy.guardrail.limits else []
            enforce = policy.guardrail.enforce
            rendered.extend(Requested(one, {policy.id}, set(uses), {enforce}, limits[:]) for one in contents)
    statements = merge(rendered)
    if statements and options.protect_break_glass:
        statements += _protection(options)
    refuse_repeated(statements)
    documents = pack(statements, environment, options.max_chars)
    _refuse_unsafe(documents, options)
    manifest = _manifest(statements, documents)
    exempt = tuple(in_partition(pattern, options.partition) for pattern in options.exempt)
    return Guardrails(environment, documents, manifest, tuple(hopeless), tuple(left_out), exempt, options.max_chars)


def _rendered(
    policy: Policy, statement: Statement, lookup: ParameterLookup, environment: str, options: Options
) -> tuple[list[dict[str, Any]], str]:
    """Render a statement, or those that it stands for; none, and why, where they would deny nothing."""
    try:
        if is_void(statement, lookup, environment):
            return [], "names no such value"
        if allows_everything(statement, lookup, environment):
            return [], "allows every value"
        single = each(statement, lookup, environment)
        contents = [render(one, lookup, environment, options.exempt, options.partition) for one in single]
        names = [use.name for use in parameters(statement, environment)]
        for content in contents:
            refuse_other_regions(content, options.partition, names)
    except GuardrailError as error:
        raise GuardrailError(error.message, policy.path or policy.id, error.line or statement.line) from None
    if any(_denies_nothing(content) for content in contents):
        return [], "allows every value"
    return contents, ""


def _denies_nothing(content: Mapping[str, Any]) -> bool:
    """Tell whether a statement denies what is unlike `*`, which nothing is, or a machine unlike `ml.*`."""
    return any(
        _EVERYTHING.get(key, {"*"}) & set(values if isinstance(values, list) else [values])
        for operator, tests in content.get("Condition", {}).items()
        if operator.endswith("NotLike")
        for key, values in tests.items()
        if key != EXEMPTION[1]  # who is exempt is judged by the safety checks
    )


def _protection(options: Options) -> list[Requested]:
    """Make the statement that keeps others from creating or changing the exempt roles.

    Roles below AWS's reserved path need none: nobody in the account can create them.
    """
    roles = sorted(pattern for pattern in set(options.exempt) if _RESERVED not in pattern)
    if not roles:
        return []
    statement = Statement(PROTECTION_SID, _PROTECTED_FROM, tuple(roles), {}, {})
    content = render(statement, _NoParameters(), "", (*roles, *options.founders), options.partition)
    limits = [f"binds everybody but {', '.join(content['Condition'][EXEMPTION[0]][EXEMPTION[1]])}"]
    return [Requested(content, set(), set(), {"protective"}, limits)]


class _NoParameters:
    def value(self, name: str, selectors: Mapping[str, str]) -> object:
        raise GuardrailError(f'no value for the parameter "{name}" ({dict(selectors)})')


def _refuse_unsafe(documents: Sequence[ScpDocument], options: Options) -> None:
    """Judge the result as if a stranger had written it."""
    exempt = [in_partition(pattern, options.partition) for pattern in options.exempt]
    texts = [(document.name, document.text) for document in documents]
    faults = check_together(texts, max_chars=options.max_chars, slots=options.slots, exempt=exempt)
    strict = _STRICT | ({"unprotected-exempt-role"} if options.protect_break_glass else set())
    errors = [fault for fault in faults if fault.severity == "error" or fault.check in strict]
    errors += [
        Fault("names-everything", f"{action}: name each action", sid=one["Sid"], path=document.name)
        if set(action) & set("*?")
        else Fault("denies-cleaning-up", f"{action} keeps people from cleaning up", sid=one["Sid"], path=document.name)
        for document in documents
        for one in document.content["Statement"]
        for action in one["Action"]
        if set(action) & set("*?") or cleaning_actions(action)
    ]
    if errors:
        listed = "\n".join(f"{fault.path} {fault.sid}: {fault.message} ({fault.check})" for fault in errors)
        raise GuardrailError(f"the SCPs would not be safe and were not written:\n{listed}")


def _manifest(statements: Sequence[Requested], documents: Sequence[ScpDocument]) -> dict[str, Mapping[str, Any]]:
    place = {one["Sid"]: document.name for document in documents for one in document.content["Statement"]}
    return {
        one.sid: {
            "document": place[one.sid],
            "policies": sorted(one.policies),
            "parameters": sorted(one.uses),
            "enforce": min(one.enforce),
            "limits": list(one.limits),
            "side_effects": side_effects(one.content),
            "does_not_bind": does_not_bind(one.content),
        }
        for one in sorted(statements, key=lambda one: one.sid)
    }
