"""Lay the settings of one file upon a configuration: what the file says counts, everything else stays as it is."""

from __future__ import annotations

import math
import posixpath
from collections.abc import Callable, Mapping
from typing import Any, cast, get_args

from mlguard.configuration.fields import flag, known_keys, mapping, refused, text, texts
from mlguard.configuration.model import Assignment, Budgets, Configuration, Deployment
from mlguard.errors import suggestion
from mlguard.parse.markup import plain
from mlguard.policy.model import Severity
from mlguard.policy.parameters import Environment, Parameters
from mlguard.record import replace
from mlguard.source import Span
from mlguard.value import Node

Fields = Mapping[str, Node]
KEYS = (
    "root", "extend", "select", "ignore", "exclude", "fail_on", "region", "environment", "parameters", "environments",
    "policies", "budgets", "var_files", "break_glass", "prices", "mandatory", "baseline",
)  # fmt: skip
ENVIRONMENT_KEYS = (
    "title", "words", "paths", "stacks", "tags", "parameters", "var_files", "parameter_files", "region", "workspace",
)  # fmt: skip


def applied(top: Node, path: str, folder: str, around: Configuration) -> Configuration:
    """Give `around` with what the file at `path` says on top, for the projects below `folder`.

    Patterns are relative to the folder, and files to the one that the file is in.
    """
    fields = mapping(top, "the configuration")
    known_keys(fields, KEYS)
    flag(fields, "root")
    named, meant = _Files(path.rpartition("/")[0]), _Patterns(folder)
    readers: dict[str, Callable[[Fields, str], object]] = {
        "select": texts,
        "ignore": texts,
        "exclude": lambda given, key: (*around.exclude, *meant.of(given, key)),
        "fail_on": _severity,
        "region": text,
        "environment": text,
        "policies": named.of,
        "budgets": _budgets,
        "var_files": named.of,
        "break_glass": texts,
        "prices": lambda given, key: named.joined(text(given, key)),
        "mandatory": lambda given, key: tuple(dict.fromkeys((*around.mandatory, *texts(given, key)))),  # never fewer
        "baseline": lambda given, key: named.joined(text(given, key)),
    }
    said: dict[str, Any] = {key: read(fields, key) for key, read in readers.items() if key in fields}
    origins = {**around.origins, **{key: _key_place(fields[key]) for key in said}}
    if "environment" in said:  # what is said of a folder as a whole stands against paths that were named further up
        around = replace(around, assignments=tuple(one for one in around.assignments if one.by != "path"))
    own = _parameters(fields, around.parameters)
    parameters = _with_parameters(around.parameters, own)
    configuration = replace(
        around, path=path, files=(path, *around.files), parameters=parameters, origins=origins, **said
    )
    origins.update({f"parameters.{name}": _key_place(node) for name, node in _entries(fields, "parameters").items()})
    if own:
        for name in [one for one in origins if one.startswith("environments.")]:
            if name.partition(".parameters.")[2] in own:
                del origins[name]
    return _with_environments(configuration, fields, named, meant)


def _with_environments(configuration: Configuration, top: Fields, named: _Files, meant: _Patterns) -> Configuration:
    parameters = configuration.parameters
    environments = dict(parameters.environments)
    by_environment = dict(parameters.own_by_environment)
    before = {one.environment: one for one in configuration.deployments}
    deployments: dict[str, Deployment] = {}
    assignments: list[Assignment] = []
    origins = dict(configuration.origins)
    for name, node in _entries(top, "environments").items():
        fields = mapping(node, f'the environment "{name}"')
        known_keys(fields, ENVIRONMENT_KEYS)
        known = environments.get(name, Environment(name, name, ()))
        words = tuple(dict.fromkeys((*known.words, *texts(fields, "words"))))
        environments[name] = Environment(name, text(fields, "title") or known.title, words)
        own = _parameters(fields, parameters)
        by_environment[name] = {**by_environment.get(name, {}), **own}
        deployments[name] = _deployment(before.pop(name, Deployment(name)), fields, named, meant)
        assignments.extend(_assignments(name, fields, deployments[name]))
        stated = {key: _key_place(value) for key, value in fields.items() if key != "parameters"}
        stated.update({f"parameters.{key}": _key_place(one) for key, one in _entries(fields, "parameters").items()})
        origins.update({f"environments.{name}.{key}": at for key, at in stated.items()})
    made = replace(parameters, environments=environments, own_by_environment=by_environment)
    anew = {(one.environment, one.by) for one in assignments}
    kept = (one for one in configuration.assignments if (one.environment, one.by) not in anew)
    return replace(
        configuration,
        parameters=made,
        deployments=(*deployments.values(), *before.values()),
        assignments=(*assignments, *kept),
        origins=origins,
    )


def _deployment(before: Deployment, fields: Fields, named: _Files, meant: _Patterns) -> Deployment:
    readers: dict[str, Callable[[Fields, str], object]] = {
        "paths": meant.of,
        "var_files": named.of,
        "parameter_files": named.of,
        "region": text,
        "workspace": text,
    }
    said: dict[str, Any] = {key: read(fields, key) for key, read in readers.items() if key in fields}
    return replace(before, **said)


def _assignments(name: str, fields: Fields, deployment: Deployment) -> list[Assignment]:
    """Give what tells that something is of the environment, in the order in which it is asked."""
    found: list[Assignment] = []
    if "paths" in fields:
        found.extend(Assignment(name, "path", one, _key_place(fields["paths"])) for one in deployment.paths)
    if "stacks" in fields:
        found.extend(Assignment(name, "stack", one, _key_place(fields["stacks"])) for one in texts(fields, "stacks"))
    if deployment.workspace and "workspace" in fields:
        found.append(Assignment(name, "workspace", deployment.workspace, _key_place(fields["workspace"])))
    tags = _entries(fields, "tags")
    for key, node in tags.items():
        found.extend(Assignment(name, "tag", one, _key_place(node), key) for one in texts(tags, key))
    return found


class _Files:
    """Names of files: relative to the folder of the file that they stand in."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def of(self, fields: Fields, key: str) -> tuple[str, ...]:
        """Give the files that a setting names, relative to the root."""
        return tuple(self.joined(written) for written in texts(fields, key))

    def joined(self, written: str) -> str:
        """Give a name relative to the root; one that begins with `./` stays: it is relative to each root module."""
        if not written or not self._folder or written.startswith("./"):
            return written
        return posixpath.normpath(posixpath.join(self._folder, written))


class _Patterns:
    """Patterns over projects: relative to the folder that is configured."""

    def __init__(self, folder: str) -> None:
        self._before = ""
        if folder:
            import glob  # noqa: PLC0415  (most are configured in the root)

            self._before = f"{glob.escape(folder)}/"

    def of(self, fields: Fields, key: str) -> tuple[str, ...]:
        """Give the patterns of a setting, relative to the root."""
        return tuple(found for written in texts(fields, key) for found in self._rooted(written))

    def _rooted(self, written: str) -> tuple[str, ...]:
        if not self._before:
            return (written,)
        if written.startswith("**/"):
            return (f"{self._before}{written}", f"{self._before}{written[3:]}")
        return (f"{self._before}{written}" if written not in ("", ".") else self._before[:-1],)


def _entries(fields: Fields, key: str) -> Fields:
    return mapping(fields[key], key) if key in fields else {}


def _with_parameters(parameters: Parameters, own: Mapping[str, Any]) -> Parameters:
    """Lay values upon others: one that is said here for all environments stands against one further up for a single."""
    narrower = {
        environment: {name: value for name, value in values.items() if name not in own}
        for environment, values in parameters.own_by_environment.items()
    }
    return replace(parameters, own={**parameters.own, **own}, own_by_environment=narrower)


def _parameters(fields: Fields, parameters: Parameters) -> dict[str, Any]:
    values = {}
    for name, value in _entries(fields, "parameters").items():
        declared = parameters.declarations.get(name)
        if declared is None:
            raise refused(f'there is no parameter "{name}"{suggestion(name, parameters.declarations)}', value)
        given: Any = plain(value)
        _check_type(name, declared.default, given, value)
        values[name] = given
    return values


def _check_type(name: str, default: object, given: object, node: Node) -> None:
    """Refuse a value of another type than the default has, below all selectors."""
    leaf = default
    while isinstance(leaf, dict):
        leaf = next(iter(leaf.values()))
    found = [given]
    while any(isinstance(one, dict) for one in found):
        found = [below for one in found for below in (one.values() if isinstance(one, dict) else [one])]
    wanted, is_right = _type_of(leaf)
    if not all(is_right(one) for one in found):
        raise refused(f'the parameter "{name}" must be {wanted}', node)


def _type_of(default: object) -> tuple[str, Callable[[object], bool]]:
    if isinstance(default, bool):
        return "true or false", lambda one: isinstance(one, bool)
    if isinstance(default, list):
        return "a list of texts", lambda one: isinstance(one, list) and all(isinstance(item, str) for item in one)
    if isinstance(default, str):
        return "a text", lambda one: isinstance(one, str)
    return "a number", lambda one: isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one)


def _severity(fields: Fields, key: str) -> Severity:
    written = text(fields, key)
    if written.upper() not in Severity.__members__:
        names = ", ".join(severity.label for severity in Severity)
        raise refused(f'there is no severity "{written}"; there are {names}', fields[key])
    return Severity.named(written)


def _budgets(fields: Fields, key: str) -> Budgets:
    written = text(fields, key)
    if written not in get_args(Budgets):
        raise refused(f'"budgets" is one of {", ".join(get_args(Budgets))}', fields[key])
    return cast("Budgets", written)


def _key_place(node: Node) -> Span:
    return node.key_span or node.place
