"""Plans to test with: what `terraform show -json` would write for a configuration, as far as mlguard evaluates it.

Terraform itself cannot plan AWS resources without the network. The spelling (modules, keys, marks of what is unknown,
names of references) is that of the plan in fixtures/plan/structure, which Terraform made.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlguard.parse.terraform.assignments import Assignments, VariableFiles, Variables
from mlguard.parse.terraform.closure import references
from mlguard.parse.terraform.configuration import Configuration
from mlguard.parse.terraform.modules import Modules
from mlguard.parse.terraform.plan.addresses import steps_of
from mlguard.parse.terraform.project import load_root
from mlguard.parse.terraform.references import Resolver
from mlguard.parse.terraform.scope import Instance
from mlguard.parse.terraform.syntax import Argument, Block, Expression, ListExpression, Literal, Name, ObjectExpression
from mlguard.parse.terraform.variables import RootVariables
from mlguard.resource import RawResource
from mlguard.scenario import Scenario
from mlguard.source import Root
from mlguard.value import Entries, Items, Node, Reference, Unknown, settle

Json = Any
UNKNOWN = object()
_META = {"count", "for_each", "provider", "depends_on", "lifecycle"}
_COMPUTED = {"aws_s3_bucket": ("bucket", "lifecycle_rule", "versioning", "logging", "region")}


def planned(folder: Path) -> str:
    """Give the plan of the root module in a folder, with every variable at its default."""
    root = Root(folder)
    project, modules = load_root(root, "", lambda _: True, Variables())
    resources: list[Json] = []
    changes: list[Json] = []
    for resource in project.resources:
        if resource.exists(Scenario()) is True:
            described = _described(resource)
            values, unknown = _values(resource)
            resources.append({**described, "schema_version": 0, "values": values, "sensitive_values": {}})
            change = {"actions": ["create"], "before": None, "after": values, "after_unknown": unknown}
            changes.append({**described, "change": {**change, "before_sensitive": False, "after_sensitive": {}}})
    configuration = modules.configuration("")
    return json.dumps(
        {
            "format_version": "1.2",
            "terraform_version": "1.11.4",
            "variables": _variables(root, modules),
            "planned_values": {"root_module": {"resources": resources}},
            "resource_changes": changes,
            "configuration": {
                "provider_config": dict(_providers(configuration)),
                "root_module": _configured(configuration),
            },
            "complete": True,
            "errored": False,
        },
        indent=2,
    )


def _described(resource: RawResource) -> dict[str, Json]:
    last = steps_of(resource.address)[-1]
    described = {"address": resource.address, "mode": "managed", "type": resource.type, "name": last.name}
    described["provider_name"] = "registry.terraform.io/hashicorp/aws"
    return described if last.key is None else {**described, "index": last.key}


def _values(resource: RawResource) -> tuple[dict[str, Json], dict[str, Json]]:
    values, unknown = _plain(resource.body)
    for name in ("id", "arn", "tags_all", *_COMPUTED.get(resource.type, ())):
        if name not in values:
            unknown[name] = True
    return {"timeouts": None, "force_destroy": False, "kms_key_id": "", **values}, unknown


def _plain(node: Node) -> tuple[Json, Json]:
    """Give a value and the marks of what is unknown in it."""
    content = settle(node, Scenario()).content
    if isinstance(content, Unknown | Reference):
        return UNKNOWN, True
    if isinstance(content, Entries):
        pairs = {key: _plain(below) for key, below in content.nodes.items()}
        marks = {key: mark for key, (_, mark) in pairs.items() if mark not in (False, {}, [])}
        return {key: value for key, (value, _) in pairs.items() if value is not UNKNOWN}, marks
    if isinstance(content, Items):
        if content.rest is not None:
            return UNKNOWN, True
        both = [_plain(below) for below in content.nodes]
        return [None if value is UNKNOWN else value for value, _ in both], [mark for _, mark in both]
    return content, False


def _variables(root: Root, modules: Modules) -> dict[str, Json]:
    configuration = modules.configuration("")
    session = Resolver(root, "", "", modules)
    assignments = Assignments(root, "", Variables(), VariableFiles(root))
    session.variables = RootVariables(Instance(session, configuration), assignments)
    found = {}
    for block in filter(None, map(configuration.block, configuration.scanned("variable"))):
        parameter = session.variables.parameter(block.labels[0], block)
        value = _plain(parameter.default)[0] if parameter.default is not None else None
        found[parameter.name] = {} if value is None or value is UNKNOWN else {"value": value}
    return found


def _providers(configuration: Configuration) -> Iterator[tuple[str, Json]]:
    for block in configuration.providers("aws"):
        alias = block.arguments.get("alias")
        name = f"aws.{alias.value.value}" if alias and isinstance(alias.value, Literal) else "aws"
        yield name, {"name": "aws", "expressions": _expressions(block)}


def _configured(configuration: Configuration) -> dict[str, Json]:
    """Give the root module of the configuration: each argument with its plain value, or with the names that it uses."""
    resources = []
    for kind in ("resource", "data"):
        for block in filter(None, map(configuration.block, configuration.scanned(kind))):
            described: dict[str, Json] = {
                "address": ".".join(block.labels),
                "mode": "managed" if kind == "resource" else kind,
            }
            described |= {"type": block.labels[0], "name": block.labels[1], "provider_config_key": _provider(block)}
            for name in {"count", "for_each"} & block.arguments.keys():
                described[f"{name}_expression"] = _expression(block.arguments[name])
            resources.append({**described, "expressions": _expressions(block)})
    return {"resources": resources, "variables": {}}


def _provider(block: Block) -> str:
    given = block.arguments.get("provider")
    return ".".join(next(iter(references(_alone(given))))) if given is not None else "aws"


def _expressions(block: Block) -> dict[str, Json]:
    found = {name: _expression(one) for name, one in block.arguments.items() if name not in _META}
    for inner in block.blocks:
        if inner.type not in ("dynamic", *_META):
            found.setdefault(inner.type, []).append(_expressions(inner))
    return found


def _expression(argument: Argument) -> Json:
    constant = _constant(argument.value)
    if constant is not UNKNOWN:
        return {"constant_value": constant}
    names: dict[str, None] = {}
    for words in references(_alone(argument)):
        least = {"data": 3}.get(words[0], 2)
        if words[0] in ("var", "local", "each", "count", "data") or words[0].startswith("aws"):
            names.update({".".join(words[:end]): None for end in range(len(words), min(least, len(words)) - 1, -1)})
    return {"references": list(names)} if names else {}


def _constant(expression: Expression) -> Json:
    """Give the value of an expression that uses no names, as Terraform writes it, lists and objects included."""
    if isinstance(expression, Literal):
        return expression.value
    if isinstance(expression, ListExpression):
        listed = [_constant(item) for item in expression.items]
        return UNKNOWN if UNKNOWN in listed else listed
    if isinstance(expression, ObjectExpression):
        keys = [key.name if isinstance(key, Name) else _constant(key) for key, _ in expression.pairs]
        values = [_constant(value) for _, value in expression.pairs]
        return UNKNOWN if UNKNOWN in (*keys, *values) else dict(zip(keys, values, strict=True))
    return UNKNOWN


def _alone(argument: Argument) -> Block:
    return Block(argument.document, 0, 0, 0, "", [], {argument.name: argument})


@pytest.fixture
def plan_of() -> Callable[[Path], str]:
    """Give the function that plans the root module in a folder."""
    return planned
