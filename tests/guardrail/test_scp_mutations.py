"""Every statement that ships, hurt in every way that a slip of the pen can: each is caught.

Caught means that a safety check finds it or, where the result is a sound SCP that says something else, that the
comparison with the original tells what becomes allowed or denied.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mlguard.guardrail.difference import compare
from mlguard.guardrail.document import BREAK_GLASS, PROTECTION_SID, generate
from mlguard.guardrail.merging import minified
from mlguard.policy.load import bundled_policies
from mlguard.policy.parameters import bundled_parameters
from mlguard.scp.check import check

Statement = dict[str, Any]
Mutate = Callable[[Statement], str | None]
PRINCIPAL = "aws:PrincipalArn"


def shipped() -> Mapping[str, Statement]:
    """Give every statement of every environment, by environment and Sid; equal ones once."""
    lookup = bundled_parameters()
    found: dict[str, Statement] = {}
    for environment in lookup.environments:
        for document in generate(bundled_policies(), lookup, environment).documents:
            for statement in document.content["Statement"]:
                if statement not in found.values():
                    found[f"{environment} {statement['Sid']}"] = statement
    return found


SHIPPED = shipped()


def text(*statements: object, **more: object) -> str:
    return minified({"Version": "2012-10-17", "Statement": list(statements), **more})


def own_tests(statement: Statement) -> list[tuple[str, str]]:
    return [(operator, key) for operator, tests in statement["Condition"].items() for key in tests if key != PRINCIPAL]


def changed(statement: Statement, **members: object) -> str:
    made = {name: value for name, value in {**statement, **members}.items() if value is not None}
    return text(made)


def exempting(*patterns: str) -> Mutate:
    """Exempt others; what ArnNotLike tests beside the principal stays."""

    def mutate(statement: Statement) -> str:
        tests = {**statement["Condition"]["ArnNotLike"], PRINCIPAL: list(patterns)}
        return changed(statement, Condition={**statement["Condition"], "ArnNotLike": tests})

    return mutate


def without_exemption(statement: Statement) -> str:
    kept = {
        name: {one: tests[one] for one in tests if one != PRINCIPAL} for name, tests in statement["Condition"].items()
    }
    return changed(statement, Condition={name: tests for name, tests in kept.items() if tests} or None)


def without_own_tests(statement: Statement) -> str | None:
    exemption = {PRINCIPAL: statement["Condition"]["ArnNotLike"][PRINCIPAL]}
    return changed(statement, Condition={"ArnNotLike": exemption}) if own_tests(statement) else None


def operator(change: Callable[[str], str]) -> Mutate:
    """Change the operator of each condition but the exemption; not applicable where that changes nothing."""

    def mutate(statement: Statement) -> str | None:
        condition = copy.deepcopy(statement["Condition"])
        for name, key in own_tests(statement):
            value = condition[name].pop(key)
            condition.setdefault(change(name), {})[key] = value
        condition = {name: tests for name, tests in condition.items() if tests}
        return None if condition == statement["Condition"] else changed(statement, Condition=condition)

    return mutate


def exact(statement: Statement) -> str | None:
    """Write Equals for Like, where that makes a difference.

    None is made where no value has a wildcard (both then compare the whole text), and none by ArnEquals, which takes
    wildcards just as ArnLike does.
    """
    condition = copy.deepcopy(statement["Condition"])
    for name, one in own_tests(statement):
        held = condition[name][one]
        wildcards = any(mark in value for value in ([held] if isinstance(held, str) else held) for mark in "*?")
        if wildcards and not name.startswith("Arn"):
            del condition[name][one]
            condition.setdefault(name.replace("Like", "Equals"), {})[one] = held
    condition = {name: tests for name, tests in condition.items() if tests}
    return None if condition == statement["Condition"] else changed(statement, Condition=condition)


def on(statement: Statement, resource: str) -> str:
    """Make a statement about one resource, whatever it names or leaves out now."""
    return changed(statement, Resource=resource, NotResource=None)


def key(change: Callable[[str], str]) -> Mutate:
    def mutate(statement: Statement) -> str | None:
        condition = {
            name: {one if one == PRINCIPAL else change(one): value for one, value in tests.items()}
            for name, tests in statement["Condition"].items()
        }
        return None if condition == statement["Condition"] else changed(statement, Condition=condition)

    return mutate


def values(change: Callable[[list[str]], object], only: str = "") -> Mutate:
    def mutate(statement: Statement) -> str | None:
        condition = copy.deepcopy(statement["Condition"])
        for name, one in own_tests(statement):
            if only in one and name.startswith(("String", "ForAny")):
                held = condition[name][one]
                condition[name][one] = change(held if isinstance(held, list) else [held])
        return None if condition == statement["Condition"] else changed(statement, Condition=condition)

    return mutate


def actions(change: Callable[[list[str]], object]) -> Mutate:
    return lambda statement: changed(statement, Action=change(list(statement["Action"])))


def over_the_limit(statement: Statement) -> str:
    size = len(text(statement, {}, Id="")) - len(",{}")
    return text(statement, Id="x" * (10_241 - size))


def swapped_not(name: str) -> str:
    return name.replace("Not", "") if "Not" in name else name.replace("String", "StringNot").replace("Null", "Null")


MUTATIONS: Mapping[str, Mutate] = {
    "no exemption": without_exemption,
    "everybody is exempt": exempting("*"),
    "every role is exempt": exempting("arn:aws:iam::*:role/*"),
    "a session is exempt": exempting("arn:aws:sts::*:assumed-role/mlguard-break-glass/*"),
    "a name is exempt": exempting("mlguard-break-glass"),
    "another role is exempt": exempting("arn:aws:iam::*:role/developers"),
    "a role of Identity Center without its path": exempting(*BREAK_GLASS, "arn:aws:iam::*:role/AWSReservedSSO_Admin_*"),
    "one of the exempt roles is gone": exempting(BREAK_GLASS[1]),
    "ForAllValues": operator(lambda name: name.replace("ForAnyValue", "ForAllValues")),
    "no set operator": operator(lambda name: name.removeprefix("ForAnyValue:")),
    "a set operator on a single value": operator(
        lambda name: name if ":" in name or name == "Null" else f"ForAnyValue:{name}"
    ),
    "IfExists": operator(lambda name: name if name == "Null" else f"{name}IfExists"),
    "an exact operator": exact,
    "the opposite": operator(swapped_not),
    "an operator that does not exist": operator(lambda name: f"{name}s"),
    "no condition of its own": without_own_tests,
    "a misspelt key": key(lambda name: name[:-1] + "z"),
    "a key of another service": key(lambda name: f"ec2:{name.partition(':')[2]}x"),
    "no values": values(lambda _held: []),
    "a misspelt region": values(lambda held: [*held[1:], "eu-wset-1"], "RequestedRegion"),
    "one more value": values(lambda held: [*held, "ml.p5.48xlarge", "p5.48xlarge"], "nstanceType"),
    "a wildcard for everything": values(lambda held: [*held, "*"]),
    "everything": actions(lambda _held: "*"),
    "every action of the service": actions(lambda held: f"{held[0].partition(':')[0]}:*"),
    "a misspelt action": actions(lambda held: [f"{held[0]}z", *held[1:]]),
    "a misspelt service": actions(lambda held: [f"x{held[0]}", *held[1:]]),
    "an action without service": actions(lambda held: [held[0].partition(":")[2], *held[1:]]),
    "one action is gone": lambda statement: (
        changed(statement, Action=statement["Action"][1:]) if len(statement["Action"]) > 1 else text()
    ),
    "an action that cleans up": actions(lambda held: [*held, "sagemaker:DeleteEndpoint", "sagemaker:StopTrainingJob"]),
    "signing in": lambda statement: changed(statement, Action=[*statement["Action"], "sts:AssumeRole"]),
    "no actions": actions(lambda _held: []),
    "NotAction": lambda statement: changed(statement, NotAction=statement["Action"], Action=None),
    "Allow": lambda statement: changed(statement, Effect="Allow"),
    "deny in lower case": lambda statement: changed(statement, Effect="deny"),
    "no effect": lambda statement: changed(statement, Effect=None),
    "a principal": lambda statement: changed(statement, Principal="*"),
    "no resource": lambda statement: changed(statement, Resource=None, NotResource=None),
    "NotResource": lambda statement: changed(
        statement, NotResource=statement.get("Resource"), Resource=statement.get("NotResource")
    ),
    "every resource": lambda statement: None if statement.get("Resource") == "*" else on(statement, "*"),
    "another resource": lambda statement: on(statement, "arn:aws:s3:::something"),
    "another partition": lambda statement: on(statement, "arn:aws-cn:s3:::something"),
    "both kinds of resource": lambda statement: changed(
        statement, **{"Resource": "*", "NotResource": "*", **statement}
    ),
    "the same Sid twice": lambda statement: text(statement, statement),
    "a Sid with a blank": lambda statement: changed(statement, Sid="Deny it"),
    "another version": lambda statement: text(statement, Version="2008-10-17"),
    "a key twice": lambda statement: text(statement).replace('"Effect":', '"Effect":"Deny","Effect":', 1),
    "a character too much": over_the_limit,
    "cut off": lambda statement: text(statement)[:-1],
    "two keys in one Null": lambda statement: changed(
        statement,
        Condition={**statement["Condition"], "Null": {"aws:RequestTag/Team": "true", "aws:RequestTag/Owner": "true"}},
    ),
}


def caught(statement: Statement, written: str) -> bool:
    before = {fault.check for fault in check(text(statement), exempt=BREAK_GLASS)}
    if {fault.check for fault in check(written, exempt=BREAK_GLASS)} - before:
        return True
    return bool(compare([("old", text(statement))], [("new", written)]).changes)


def test_there_are_statements_and_ways_enough() -> None:
    assert len(SHIPPED) > 20
    assert len(MUTATIONS) > 30
    assert any(name.endswith(PROTECTION_SID) for name in SHIPPED)
    for statement in SHIPPED.values():
        assert [fault for fault in check(text(statement), exempt=BREAK_GLASS) if fault.severity == "error"] == []


@pytest.mark.parametrize("mutation", list(MUTATIONS))
def test_a_mutation_of_every_statement_is_caught(mutation: str) -> None:
    hurt = {name: MUTATIONS[mutation](statement) for name, statement in SHIPPED.items()}
    applicable = {name: written for name, written in hurt.items() if written is not None}
    assert applicable, "the mutation changes nothing"
    assert [name for name, written in applicable.items() if not caught(SHIPPED[name], written)] == []


@pytest.mark.parametrize("name", list(SHIPPED))
def test_thirty_mutations_of_a_statement_are_caught_by_the_checks_alone(name: str) -> None:
    statement = SHIPPED[name]
    before = {fault.check for fault in check(text(statement), exempt=BREAK_GLASS)}
    hurt = [written for mutate in MUTATIONS.values() if (written := mutate(statement)) is not None]
    found = [written for written in hurt if {fault.check for fault in check(written, exempt=BREAK_GLASS)} - before]
    assert len(found) >= 30


def test_nothing_is_caught_where_nothing_was_hurt() -> None:
    for statement in SHIPPED.values():
        shuffled = {**statement, "Action": list(reversed(statement["Action"]))}
        assert not caught(statement, json.dumps({"Version": "2012-10-17", "Statement": [shuffled]}))
