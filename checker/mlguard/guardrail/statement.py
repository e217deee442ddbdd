"""Turn a statement of a policy into the statement of an SCP, its parameters filled in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from mlguard.errors import GuardrailError
from mlguard.policy.model import Operand, ParameterOperand, Statement, placeholders
from mlguard.record import record, replace

EXEMPTION = ("ArnNotLike", "aws:PrincipalArn")
# letters and digits of names, ARNs and tags; `*` and `?` are the only wildcards, and nothing begins a policy variable
_VALUE = re.compile(r"[A-Za-z0-9*?_.:/@=+-]{1,512}")


class ParameterLookup(Protocol):
    """Where a statement's parameters get their values."""

    def value(self, name: str, selectors: Mapping[str, str]) -> object:
        """Give the value of a parameter for some selectors, such as `environment` and `use`."""


@record()
class Use:
    """A parameter that a statement reads, and the selectors that it reads it with."""

    name: str
    selectors: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        """Give `allowed_instance_types(environment=sandbox, use=notebook)`."""
        chosen = ", ".join(f"{selector}={value}" for selector, value in self.selectors)
        return f"{self.name}({chosen})" if chosen else self.name


def render(
    statement: Statement, lookup: ParameterLookup, environment: str, exempt: Sequence[str], partition: str = "aws"
) -> dict[str, Any]:
    """Give a Deny statement as plain data: lists sorted, without repeats, the exempt principals left out of it.

    `exempt` are the ARN patterns of the principals that the statement does not bind. Raises GuardrailError where a
    parameter has no value, or one that does not belong into an SCP.
    """
    condition = {
        operator: {
            key: _one_or_more(_operand(operand, statement, lookup, environment))
            for key, operand in sorted(tests.items())
        }
        for operator, tests in sorted(statement.condition.items())
    }
    if exempt:
        operator, key = EXEMPTION
        tests = dict(condition.get(operator, {}))
        if key in tests:
            raise _refused("the statement exempts principals itself: name them in the options instead", statement)
        tests[key] = _one_or_more(_checked(exempt, "the exempt principals", statement))
        condition[operator] = dict(sorted(tests.items()))
    rendered: dict[str, Any] = {
        "Sid": statement.sid,
        "Effect": "Deny",
        "Action": sorted(set(statement.actions)),
    }
    if statement.not_resources:
        filled = [one for text in statement.not_resources for one in _filled(text, statement, lookup, environment)]
        rendered["NotResource"] = _one_or_more(_checked(filled, "the resources", statement))
    else:
        rendered["Resource"] = _one_or_more(_checked(statement.resources, "the resources", statement))
    if condition:
        rendered["Condition"] = dict(sorted(condition.items()))
    return rendered if partition == "aws" else _moved(rendered, partition)


def is_void(statement: Statement, lookup: ParameterLookup, environment: str) -> bool:
    """Tell whether a statement denies nothing because the list of what it denies is empty in this environment."""
    return any(
        isinstance(operand, ParameterOperand)
        and "Not" not in operator
        and not list(_listed(lookup.value(operand.name, _selectors(operand, statement, environment))))
        for operator, tests in statement.condition.items()
        for operand in tests.values()
    )


def allows_everything(statement: Statement, lookup: ParameterLookup, environment: str) -> bool:
    """Tell whether a statement leaves out all that it could be about, because a value of a parameter is `*`."""
    names = {name for text in statement.not_resources for name in placeholders(text)}
    return any("*" in _values(name, statement, lookup, environment) for name in names)


def each(statement: Statement, lookup: ParameterLookup, environment: str) -> list[Statement]:
    """Give a statement for each value of the parameter that stands in its condition keys, itself where none does.

    A request must carry every tag, and the keys of one condition are joined by "and": a Deny of what lacks one of
    several keys takes a statement for each.
    """
    names = {name for tests in statement.condition.values() for key in tests for name in placeholders(key)}
    if not names:
        return [statement]
    name = min(names)
    found = []
    for value in _values(name, statement, lookup, environment):
        word = "".join(letter for letter in value if letter.isalnum())
        condition = {
            operator: {key.replace(f"{{{name}}}", value): operand for key, operand in tests.items()}
            for operator, tests in statement.condition.items()
        }
        found.append(replace(statement, sid=f"{statement.sid}{word[:1].upper()}{word[1:]}", condition=condition))
    return found


def _filled(text: str, statement: Statement, lookup: ParameterLookup, environment: str) -> list[str]:
    """Put each value of the parameters that a text names into it."""
    texts = [text]
    for name in placeholders(text):
        values = _values(name, statement, lookup, environment)
        texts = [one.replace(f"{{{name}}}", value) for one in texts for value in values]
    return texts


def _values(name: str, statement: Statement, lookup: ParameterLookup, environment: str) -> list[str]:
    value = lookup.value(name, {"environment": environment, **statement.bindings})
    return _checked(_listed(value), f'the parameter "{name}"', statement)


def parameters(statement: Statement, environment: str) -> tuple[Use, ...]:
    """Give the parameters that a statement reads, in the order of their names."""
    uses = {
        Use(operand.name, tuple(sorted(_selectors(operand, statement, environment).items())))
        for tests in statement.condition.values()
        for operand in tests.values()
        if isinstance(operand, ParameterOperand)
    }
    texts = (*statement.not_resources, *(key for tests in statement.condition.values() for key in tests))
    uses |= {Use(name, (("environment", environment),)) for text in texts for name in placeholders(text)}
    return tuple(sorted(uses, key=str))


def _selectors(operand: ParameterOperand, statement: Statement, environment: str) -> dict[str, str]:
    chosen = {}
    for selector in operand.selectors:
        value = environment if selector == "environment" else statement.bindings.get(selector)
        if value is None:
            raise _refused(
                f'the parameter "{operand.name}" needs "{selector}": give it a value under `with`', statement
            )
        chosen[selector] = value
    return chosen


def _operand(operand: Operand, statement: Statement, lookup: ParameterLookup, environment: str) -> list[str]:
    if isinstance(operand, ParameterOperand):
        selectors = _selectors(operand, statement, environment)
        value = lookup.value(operand.name, selectors)
        return _checked(_listed(value), f'the parameter "{operand.name}"', statement)
    return _checked(_listed(operand), "the condition", statement)


def _listed(value: object) -> Iterable[object]:
    return value if isinstance(value, list | tuple | set | frozenset) else (value,)


def _checked(values: Iterable[object], what: str, statement: Statement) -> list[str]:
    """Write values as an SCP writes them, sorted; GuardrailError where one could mean something else there."""
    found = set()
    for value in values:
        text = _written(value)
        if text is None or not _VALUE.fullmatch(text):
            raise _refused(
                f"{what} of {statement.sid} holds {str(value)[:60]!r}, which does not belong into an SCP: use letters, "
                "digits and _ . : / @ = + -, with * and ? for any text",
                statement,
            )
        found.add(text)
    if not found:
        raise _refused(f"{what} of {statement.sid} is empty, and an SCP cannot hold an empty list", statement)
    return sorted(found)


def _written(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, str | int | float) else None


def _one_or_more(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values


def in_partition(text: str, partition: str) -> str:
    """Give an ARN pattern for a partition; what is no ARN stays."""
    return f"arn:{partition}:{text[8:]}" if text.startswith("arn:aws:") else text


def _moved(value: Any, partition: str) -> Any:  # noqa: ANN401  (plain JSON data)
    if isinstance(value, dict):
        return {key: _moved(below, partition) for key, below in value.items()}
    if isinstance(value, list):
        return [_moved(below, partition) for below in value]
    return in_partition(value, partition) if isinstance(value, str) else value


def _refused(message: str, statement: Statement) -> GuardrailError:
    return GuardrailError(message, line=statement.line)
