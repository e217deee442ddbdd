"""Find and read configuration files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, cast, get_args

from mlguard.configuration.fields import known_keys, mapping, nearest, refused, text, texts
from mlguard.configuration.model import Budgets, Configuration, Deployment
from mlguard.errors import ConfigurationError, MlguardError
from mlguard.parse.markup import plain
from mlguard.parse.yaml_document import load_yaml
from mlguard.policy.model import Severity
from mlguard.policy.parameters import Environment, Parameters
from mlguard.record import replace
from mlguard.source import Document, Root
from mlguard.value import Node

FILE_NAMES = (".mlguard.yaml", ".mlguard.yml")
_KEYS = (
    "select", "ignore", "exclude", "fail_on", "region", "environment", "parameters", "environments", "policies",
    "budgets", "var_files", "break_glass", "prices",
)  # fmt: skip
_ENVIRONMENT_KEYS = ("paths", "words", "parameters", "title", "var_files", "parameter_files", "region", "workspace")


def find_configuration(root: Root) -> Configuration:
    """Read the root's configuration file; the defaults where there is none."""
    for name in FILE_NAMES:
        if os.path.lexists(root.folder / name):  # a link or a pipe of that name is refused, not taken for nothing
            return read_configuration(root, name)
    return Configuration()


def read_configuration(root: Root, path: str) -> Configuration:
    """Read one configuration file; ConfigurationError with line when it is wrong."""
    try:
        return parse_configuration(root.read(path, 1_000_000))
    except ConfigurationError:
        raise
    except MlguardError as error:
        raise ConfigurationError(error.message, error.path, error.line, error.column) from None


def parse_configuration(document: Document) -> Configuration:
    """Read a configuration from its text; ConfigurationError with line when it is wrong."""
    nodes = load_yaml(document)
    if not nodes or (len(nodes) == 1 and nodes[0].content is None):
        return Configuration(document.path)
    if len(nodes) > 1:
        raise ConfigurationError("the file holds several documents: keep one", document.path, nodes[1].span.line)
    top = mapping(nodes[0], "the configuration")
    known_keys(top, _KEYS)
    configuration = Configuration(
        path=document.path,
        select=texts(top, "select"),
        ignore=texts(top, "ignore"),
        exclude=texts(top, "exclude"),
        fail_on=_severity(top),
        region=text(top, "region"),
        policies=texts(top, "policies"),
        budgets=_budgets(top),
        var_files=texts(top, "var_files"),
        break_glass=texts(top, "break_glass"),
        prices=text(top, "prices"),
    )
    configuration = _with_environments(configuration, top)
    environment = text(top, "environment")
    if environment and environment not in configuration.parameters.environments:
        raise refused(_no_environment(environment, configuration.parameters), top["environment"])
    return replace(configuration, environment=environment)


def _with_environments(configuration: Configuration, top: Mapping[str, Node]) -> Configuration:
    parameters = configuration.parameters
    own = _parameters(top.get("parameters"), parameters)
    environments = dict(parameters.environments)
    by_environment: dict[str, Mapping[str, Any]] = {}
    deployments: list[Deployment] = []
    entries = mapping(top["environments"], "environments") if "environments" in top else {}
    for name, node in entries.items():
        fields = mapping(node, name)
        known_keys(fields, _ENVIRONMENT_KEYS)
        known = environments.get(name, Environment(name, name, ()))
        title = text(fields, "title") or known.title
        environments[name] = Environment(name, title, (*known.words, *texts(fields, "words")))
        by_environment[name] = _parameters(fields.get("parameters"), parameters)
        deployments.append(_deployment(name, fields))
    made = replace(parameters, environments=environments, own=own, own_by_environment=by_environment)
    return replace(configuration, parameters=made, deployments=tuple(deployments))


def _deployment(name: str, fields: Mapping[str, Node]) -> Deployment:
    return Deployment(
        environment=name,
        paths=texts(fields, "paths"),
        var_files=texts(fields, "var_files"),
        parameter_files=texts(fields, "parameter_files"),
        region=text(fields, "region"),
        workspace=text(fields, "workspace"),
    )


def _parameters(node: Node | None, parameters: Parameters) -> dict[str, Any]:
    if node is None:
        return {}
    values = {}
    for name, value in mapping(node, "parameters").items():
        declared = parameters.declarations.get(name)
        if declared is None:
            raise refused(f'there is no parameter "{name}"{nearest(name, parameters.declarations)}', value)
        given: Any = plain(value)
        _check_type(name, declared.default, given, value)
        values[name] = given
    return values


def _check_type(name: str, default: object, given: object, node: Node) -> None:
    leaf = default
    while isinstance(leaf, dict):
        leaf = next(iter(leaf.values()))
    found = [given]
    while any(isinstance(one, dict) for one in found):
        found = [below for one in found for below in (one.values() if isinstance(one, dict) else [one])]
    for one in found:
        number = isinstance(leaf, int | float) and isinstance(one, int | float) and not isinstance(one, bool)
        texts = isinstance(leaf, list) and isinstance(one, list) and all(isinstance(text, str) for text in one)
        if not (number or texts or (isinstance(leaf, str) and isinstance(one, str))):
            wanted = "a list of texts" if isinstance(leaf, list) else "a text" if isinstance(leaf, str) else "a number"
            raise refused(f'the parameter "{name}" must be {wanted}', node)


def _severity(top: Mapping[str, Node]) -> Severity:
    written = text(top, "fail_on")
    if not written:
        return Severity.LOW
    if written.upper() not in Severity.__members__:
        names = ", ".join(severity.label for severity in Severity)
        raise refused(f'there is no severity "{written}"; there are {names}', top["fail_on"])
    return Severity.named(written)


def _budgets(top: Mapping[str, Node]) -> Budgets:
    written = text(top, "budgets") or "project"
    if written not in get_args(Budgets):
        raise refused(f'"budgets" is one of {", ".join(get_args(Budgets))}', top["budgets"])
    return cast("Budgets", written)


def _no_environment(name: str, parameters: Parameters) -> str:
    return f'there is no environment "{name}"; there are {", ".join(parameters.environments)}'
