"""The safety checks of guardrails on SageMaker instance types: doors that stay open beside the one that is shut."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mlguard.scp.conditions import statement_actions
from mlguard.scp.corrections import member
from mlguard.scp.written import Fault, Test, WrittenStatement

_KEY = "sagemaker:instancetypes"
# each starts an instance of a type that the request names
_MUST_COVER = (
    "sagemaker:CreateApp",
    "sagemaker:CreateCluster",
    "sagemaker:CreateEndpointConfig",
    "sagemaker:CreateHyperParameterTuningJob",
    "sagemaker:CreateNotebookInstance",
    "sagemaker:CreateProcessingJob",
    "sagemaker:CreateTrainingJob",
    "sagemaker:CreateTransformJob",
    "sagemaker:UpdateCluster",
    "sagemaker:UpdateNotebookInstance",
    "sagemaker:UpdateTrainingJob",
)
_STUDIO = ("sagemaker:CreateApp", "sagemaker:CreateDomain", "sagemaker:CreateSpace", "sagemaker:CreateUserProfile")
_SYSTEM = "system"  # what the JupyterServer of Studio Classic runs on
_TYPE = re.compile(r"ml\.|system|default|[*?]")


def faults_of_instance_types(statements: Sequence[WrittenStatement]) -> Iterator[Fault]:
    """Judge all statements about instance types that are attached together."""
    found = [(statement, test) for statement in statements for test in _tests(statement)]
    for statement, test in found:
        yield from _values(statement, test)
        yield from _system(statement, test)
    limited = {action for statement, _ in found for action in statement_actions(statement)}
    complete = not any(one.open_actions or one.open_tests for one in statements)
    missing = [action for action in _MUST_COVER if action not in limited]
    if found and missing and complete:
        statement, test = found[0]
        names = [action.partition(":")[2] for action in missing]
        message = (
            f"{', '.join(names)} {'starts' if len(names) == 1 else 'start'} instances too and "
            f"{'is' if len(names) == 1 else 'are'} not limited: the dear type is only one call away"
        )
        correction = member("Action", sorted({*statement_actions(statement), *missing}))
        yield statement.fault("sibling-actions-left-open", message, test.key.at, "warning", correction)


def _tests(statement: WrittenStatement) -> list[Test]:
    if statement.effect != "Deny":
        return []
    return [test for test in statement.tests if test.key.value.lower() == _KEY and test.base != "Null"]


def _values(statement: WrittenStatement, test: Test) -> Iterator[Fault]:
    for value in test.values:
        if not _TYPE.match(value.value):
            message = f'no SageMaker instance type is called "{value.value[:60]}": they begin with ml.'
            yield statement.fault("instance-type-never-matches", message, value.at, correction=f"ml.{value.value[:60]}")


def _system(statement: WrittenStatement, test: Test) -> Iterator[Fault]:
    """Find allow-lists that lock people out of Studio: its own server asks for the type "system"."""
    studio = [action for action in statement_actions(statement) if action in _STUDIO]
    written = {value.value for value in test.values}
    if studio and test.negated and not test.open and not written & {_SYSTEM, "*", "s*"}:
        message = f'{studio[0]} asks for the type "system" by default, which is not in the list: Studio will not start'
        correction = member(test.key.value, sorted({*written, _SYSTEM}))
        yield statement.fault("system-type-not-allowed", message, test.key.at, "warning", correction)
