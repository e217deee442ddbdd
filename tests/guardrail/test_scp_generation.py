from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlguard.errors import GuardrailError
from mlguard.guardrail.document import BREAK_GLASS, Guardrails, Options, generate
from mlguard.guardrail.statement import render
from mlguard.policy.model import (
    Check,
    Enforcement,
    Guardrail,
    Operand,
    ParameterOperand,
    Policy,
    Severity,
    Statement,
)
from mlguard.scp.check import check_together

Evaluate = Callable[[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]], dict[str, str]]
TYPES = "sagemaker:InstanceTypes"
BOUND = "jobs that a pipeline or a state machine starts are bound, too: they run with a role of the account"
ALLOWED = ParameterOperand("allowed_instance_types", ("environment", "use"))
ADMIN = "arn:aws:sts::123456789012:assumed-role/mlguard-break-glass/alice"


@dataclass
class Values:
    """Parameters with one value each, whatever the selectors."""

    values: Mapping[str, object]
    asked: list[dict[str, str]] = field(default_factory=list)

    def value(self, name: str, selectors: Mapping[str, str]) -> object:
        """Give the value, and remember what was asked."""
        self.asked.append(dict(selectors))
        return self.values[name]


def types_statement(sid: str, *actions: str, operand: Operand = ALLOWED) -> Statement:
    condition = {"ForAnyValue:StringNotLike": {TYPES: operand}}
    return Statement(sid, actions, ("*",), condition, {"use": "notebook"}, line=7)


def policy(name: str, *statements: Statement, enforce: Enforcement = "preventive", limits: str = "") -> Policy:
    return Policy(
        id=name,
        title=name,
        severity=Severity.HIGH,
        pack="gpu",
        since="0.1.0",
        applies_to=("*",),
        require=Check("x", "exists", operand=True),
        when=None,
        raise_severity_when=None,
        messages={"": name},
        why="",
        fix_by_hand={},
        guardrail=Guardrail(enforce, limits, statements),
        path=f"policies/{name}.yaml",
    )


VALUES = Values({"allowed_instance_types": ["ml.t3.medium", "ml.m5.*", "ml.t3.medium"], "longest": 7200, "names": []})
NOTEBOOKS = policy("notebooks", types_statement("DenyNotebookTypes", "sagemaker:CreateNotebookInstance"))
JOBS = policy("jobs", types_statement("DenyJobTypes", "sagemaker:CreateTrainingJob"), limits="counts are not seen")


def statements(made: Guardrails) -> list[dict[str, Any]]:
    return [one for document in made.documents for one in document.content["Statement"]]


def test_render_fills_in_parameters_and_exempts_break_glass() -> None:
    values = Values(VALUES.values)
    statement = types_statement("Deny1", "sagemaker:UpdateNotebookInstance", "sagemaker:CreateNotebookInstance")
    assert render(statement, values, "sandbox", BREAK_GLASS[:1]) == {
        "Sid": "Deny1",
        "Effect": "Deny",
        "Action": ["sagemaker:CreateNotebookInstance", "sagemaker:UpdateNotebookInstance"],
        "Resource": "*",
        "Condition": {
            "ArnNotLike": {"aws:PrincipalArn": BREAK_GLASS[0]},
            "ForAnyValue:StringNotLike": {TYPES: ["ml.m5.*", "ml.t3.medium"]},
        },
    }
    assert values.asked == [{"environment": "sandbox", "use": "notebook"}]


def test_render_in_another_partition() -> None:
    statement = Statement("Keep", ("s3:PutLifecycleConfiguration",), ("arn:aws:s3:::x-*",), {}, {})
    rendered = render(statement, VALUES, "sandbox", BREAK_GLASS[:1], "aws-us-gov")
    assert rendered["Resource"] == "arn:aws-us-gov:s3:::x-*"
    assert rendered["Condition"]["ArnNotLike"]["aws:PrincipalArn"].startswith("arn:aws-us-gov:iam::")


@pytest.mark.parametrize("value", ["${aws:username}", 'a"b', "a b", "", "é", "a\n", "x" * 513, None, {"a": 1}, []])
def test_values_that_do_not_belong_into_an_scp(value: object) -> None:
    with pytest.raises(GuardrailError) as caught:
        generate([NOTEBOOKS], Values({"allowed_instance_types": value}), "sandbox")
    assert (caught.value.path, caught.value.line) == ("policies/notebooks.yaml", 7)


def test_a_selector_without_a_value() -> None:
    statement = Statement("Deny1", ("sagemaker:CreateApp",), ("*",), {"ForAnyValue:StringLike": {TYPES: ALLOWED}}, {})
    with pytest.raises(GuardrailError, match='needs "use"'):
        render(statement, VALUES, "sandbox", BREAK_GLASS)


def test_equal_statements_of_a_policy_are_united_and_stay_traceable() -> None:
    both = policy(
        "types",
        types_statement("DenyNotebookTypes", "sagemaker:CreateNotebookInstance"),
        types_statement("DenyJobTypes", "sagemaker:CreateTrainingJob"),
        limits="counts are not seen",
    )
    made = generate([both], VALUES, "sandbox")
    united, protection = statements(made)
    assert (united["Sid"], protection["Sid"]) == ("DenyJobTypes", "ProtectBreakGlassRole")
    assert united["Action"] == ["sagemaker:CreateNotebookInstance", "sagemaker:CreateTrainingJob"]
    assert made.manifest["DenyJobTypes"] == {
        "document": "mlguard-sandbox-1",
        "policies": ["types"],
        "parameters": ["allowed_instance_types(environment=sandbox, use=notebook)"],
        "enforce": "preventive",
        "limits": ["counts are not seen"],
        "side_effects": [BOUND],
        "does_not_bind": [],
    }


def test_statements_of_two_policies_stay_apart() -> None:
    assert [one["Sid"] for one in statements(generate([JOBS, NOTEBOOKS], VALUES, "sandbox"))] == [
        "DenyJobTypes",
        "DenyNotebookTypes",
        "ProtectBreakGlassRole",
    ]


def test_the_text_is_minified_ascii() -> None:
    (document,) = generate([NOTEBOOKS], VALUES, "sandbox").documents
    assert document.text.isascii()
    assert " " not in document.text
    assert json.loads(document.text) == document.content


def test_the_order_of_policies_does_not_matter() -> None:
    assert generate([JOBS, NOTEBOOKS], VALUES, "sandbox") == generate([NOTEBOOKS, JOBS], VALUES, "sandbox")


def test_what_no_scp_can_do_is_said() -> None:
    other = policy("counts", enforce="none", limits="there is no key for the number of instances")
    made = generate([other, NOTEBOOKS], Values({"allowed_instance_types": ["*", "ml.t3.*"]}), "training")
    assert made.documents == ()
    assert made.not_enforceable == (("counts", "there is no key for the number of instances"),)
    assert made.left_out == (("notebooks", "DenyNotebookTypes would deny nothing: training allows every value"),)
    assert made.gaps == ("notebooks: DenyNotebookTypes would deny nothing: training allows every value",)


@pytest.mark.parametrize("everything", ["*", "ml.*"])
def test_a_list_that_allows_every_machine_makes_no_statement(everything: str) -> None:
    made = generate([NOTEBOOKS], Values({"allowed_instance_types": ["ml.t3.medium", everything]}), "training")
    assert made.documents == ()
    assert made.left_out[0][0] == "notebooks"


def test_who_is_not_bound_is_said() -> None:
    statement = Statement("DenyTypes", ("ec2:RunInstances",), ("arn:aws:ec2:*:*:instance/*",),
                          {"StringLike": {"ec2:InstanceType": "p*"}}, {})  # fmt: skip
    made = generate([policy("types", statement)], VALUES, "sandbox")
    (unbound,) = made.manifest["DenyTypes"]["does_not_bind"]
    assert "service-linked roles" in unbound
    assert made.gaps == (f"DenyTypes does not bind {unbound}",)
    assert generate([NOTEBOOKS], VALUES, "sandbox").gaps == ()


@pytest.mark.parametrize(
    ("condition", "check"),
    [
        ({"StringNotEquals": {TYPES: "ml.t3.medium"}}, "multivalued-key-without-set-operator"),
        ({"ForAllValues:StringNotLike": {TYPES: "ml.t3.*"}}, "for-all-values-in-deny"),
        ({"ForAnyValue:StringNotLikeIfExists": {TYPES: "ml.t3.*"}}, "if-exists-in-set-operator"),
        ({"ForAnyValue:StringNotEquals": {TYPES: "ml.t3.*"}}, "wildcard-under-exact-operator"),
        ({"NumericGreaterThan": {"sagemaker:InstanceCount": 4}}, "unknown-key"),
        ({"NumericGreaterThan": {"sagemaker:MaxRuntimeInSeconds": 4}}, "key-not-supported-by-action"),
        ({"NumericGreaterThan": {"aws:EpochTime": "soon"}}, "not-a-number"),
        ({"StringMatches": {TYPES: "x"}}, "not-an-scp"),
    ],
)
def test_an_unsafe_guardrail_is_refused(condition: Mapping[str, Mapping[str, Operand]], check: str) -> None:
    unsafe = policy("bad", Statement("Bad1", ("sagemaker:CreateNotebookInstance",), ("*",), condition, {}))
    with pytest.raises(GuardrailError, match=check):
        generate([unsafe], VALUES, "sandbox")


@pytest.mark.parametrize(
    "action",
    ["sagemaker:CreateNotebok", "budgets:CreateBudget", "sagmaker:CreateApp", "*", "iam:*", "sagemaker:*"],
)
def test_an_action_that_does_not_exist_or_is_too_much_is_refused(action: str) -> None:
    with pytest.raises(GuardrailError, match="not be safe"):
        generate([policy("bad", Statement("Bad1", (action,), ("*",), {}, {}))], VALUES, "sandbox")


def test_one_name_for_two_statements_is_refused() -> None:
    other = policy("other", types_statement("DenyNotebookTypes", "sagemaker:CreateApp", operand="ml.t3.medium"))
    with pytest.raises(GuardrailError, match="notebooks and other"):
        generate([NOTEBOOKS, other], VALUES, "sandbox")


def test_limits_of_the_organization() -> None:
    with pytest.raises(GuardrailError, match="alone needs"):
        generate([NOTEBOOKS], VALUES, "sandbox", Options(max_chars=300))
    with pytest.raises(GuardrailError, match="too-many-documents"):
        generate([NOTEBOOKS], VALUES, "sandbox", Options(max_chars=800, slots=1))


def test_no_exemption_is_refused() -> None:
    with pytest.raises(GuardrailError, match="no-break-glass-exemption"):
        generate([NOTEBOOKS], VALUES, "sandbox", Options(exempt=()))


@pytest.mark.parametrize(
    ("pattern", "check"),
    [
        ("arn:aws:iam::*:role/*", "exempts-everybody"),
        ("*", "exempts-everybody"),
        ("arn:aws:sts::*:assumed-role/Admin/*", "exemption-never-matches"),
        ("mlguard-break-glass", "exemption-never-matches"),
    ],
)
def test_exemptions_that_do_not_exempt_whom_they_should(pattern: str, check: str) -> None:
    with pytest.raises(GuardrailError, match=check):
        generate([NOTEBOOKS], VALUES, "sandbox", Options(exempt=(pattern,)))


def test_break_glass_protection(scp_evaluator: Evaluate) -> None:
    made = generate([NOTEBOOKS], VALUES, "sandbox")
    role = "arn:aws:iam::123456789012:role/mlguard-break-glass"
    founder = "arn:aws:sts::123456789012:assumed-role/OrganizationAccountAccessRole/x"
    asked = [
        {"id": "dev", "action": "iam:UpdateAssumeRolePolicy", "resource": role},
        {"id": "self", "action": "iam:UpdateAssumeRolePolicy", "resource": role, "principal": ADMIN},
        {"id": "founder", "action": "iam:CreateRole", "resource": role, "principal": founder},
        {"id": "other", "action": "iam:CreateRole", "resource": f"{role}-not"},
    ]
    decided = scp_evaluator([document.content for document in made.documents], asked)
    assert decided == {"dev": "denied", "self": "allowed", "founder": "allowed", "other": "allowed"}


ACTIONS = ["CreateNotebookInstance", "CreateTrainingJob", "CreateProcessingJob", "CreateTransformJob", "CreateApp"]


@st.composite
def many_policies(draw: st.DrawFn) -> list[Policy]:
    made = []
    for number in range(draw(st.integers(1, 12))):
        actions = draw(st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=3))
        allowed = draw(st.lists(st.sampled_from(["ml.t3.*", "ml.m5.large", "ml.g5.xlarge"]), min_size=1))
        statement = types_statement(f"Deny{number}", *(f"sagemaker:{name}" for name in actions), operand=tuple(allowed))
        made.append(policy(f"policy-{number}", statement))
    return made


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(many_policies(), st.integers(900, 3000), st.randoms(use_true_random=False))
def test_documents_fit_and_depend_on_no_order(made: list[Policy], max_chars: int, random: Any) -> None:  # noqa: ANN401  (hypothesis' own Random)
    options = Options(max_chars=max_chars, slots=20)
    first = generate(made, VALUES, "sandbox", options)
    random.shuffle(made)
    assert generate(made, VALUES, "sandbox", options) == first
    assert all(len(document.text) <= max_chars for document in first.documents)
    texts = [(document.name, document.text) for document in first.documents]
    faults = check_together(texts, max_chars=max_chars, slots=20, exempt=BREAK_GLASS)
    assert {fault.check for fault in faults} <= {"sibling-actions-left-open", "system-type-not-allowed"}
    denied = {action for one in statements(first) if one["Sid"].startswith("Deny") for action in one["Action"]}
    assert denied == {action for one in made for action in one.guardrail.statements[0].actions}
    sources = [name for entry in first.manifest.values() for name in cast("list[str]", entry["policies"])]
    assert sorted(sources) == sorted(one.id for one in made)
