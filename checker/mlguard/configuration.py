"""`.mlguard.yaml`: what to check, with which parameters, where. Declarative only; nothing in it is ever executed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any, Literal, cast, get_args

from mlguard.errors import ConfigurationError, MlguardError
from mlguard.parse.markup import plain
from mlguard.parse.yaml_document import load_yaml
from mlguard.policy.model import Severity
from mlguard.policy.parameters import Environment, Parameters, bundled_parameters
from mlguard.record import field, record, replace
from mlguard.source import Document, Root
from mlguard.value import Entries, Items, Node, text_of

Budgets = Literal["project", "repository", "managed_elsewhere"]
"""Which budgets count for a project: its own, all of the repository, or some that nobody here sees."""
FILE_NAMES = (".mlguard.yaml", ".mlguard.yml")
_KEYS = (
    "select", "ignore", "exclude", "fail_on", "region", "environment", "parameters", "environments", "policies",
    "budgets", "var_files", "break_glass", "prices",
)  # fmt: skip
_ENVIRONMENT_KEYS = ("paths", "words", "parameters", "title", "var_files", "parameter_files", "region", "workspace")


@record()
class Deployment:
    """How the code is deployed to one environment: with which files of values, where, in which workspace.

    `paths` are the projects that are deployed to it, all of them when it is empty.
    """

    environment: str
    paths: tuple[str, ...] = ()
    var_files: tuple[str, ...] = ()
    parameter_files: tuple[str, ...] = ()
    region: str = ""
    workspace: str = ""

    def belongs(self, path: str) -> bool:
        """Tell whether a project may be deployed to the environment."""
        return not self.paths or any(_below(path, pattern) for pattern in self.paths)


@record()
class Configuration:
    """What a configuration file says; the defaults where there is none."""

    path: str = ""
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    fail_on: Severity = Severity.LOW
    region: str = ""
    environment: str = ""
    policies: tuple[str, ...] = ()
    budgets: Budgets = "project"
    var_files: tuple[str, ...] = ()
    break_glass: tuple[str, ...] = ()
    prices: str = ""
    parameters: Parameters = field(default_factory=bundled_parameters)
    deployments: tuple[Deployment, ...] = ()

    def environment_of(self, path: str) -> str:
        """Give the environment that the configuration assigns to a path, empty where it assigns none."""
        return next((one.environment for one in self.deployments if one.paths and one.belongs(path)), "")

    def region_of(self, path: str, environment: str = "") -> str:
        """Give the region that the configuration says for an environment, that of the path by default."""
        name = environment or self.environment_of(path) or self.environment
        return next((one.region for one in self.deployments if one.environment == name and one.region), self.region)

    def excludes(self, path: str) -> bool:
        """Tell whether a file or folder is not to be looked at."""
        return any(_below(path, pattern) for pattern in self.exclude)


def _below(path: str, pattern: str) -> bool:
    return fnmatchcase(path, pattern) or fnmatchcase(path, f"{pattern.rstrip('/')}/*")


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
    top = _mapping(nodes[0], "the configuration")
    _known(top, _KEYS)
    configuration = Configuration(
        path=document.path,
        select=_texts(top, "select"),
        ignore=_texts(top, "ignore"),
        exclude=_texts(top, "exclude"),
        fail_on=_severity(top),
        region=_text(top, "region"),
        policies=_texts(top, "policies"),
        budgets=_budgets(top),
        var_files=_texts(top, "var_files"),
        break_glass=_texts(top, "break_glass"),
        prices=_text(top, "prices"),
    )
    configuration = _with_environments(configuration, top)
    environment = _text(top, "environment")
    if environment and environment not in configuration.parameters.environments:
        raise _refused(_no_environment(environment, configuration.parameters), top["environment"])
    return replace(configuration, environment=environment)


def _with_environments(configuration: Configuration, top: Mapping[str, Node]) -> Configuration:
    parameters = configuration.parameters
    own = _parameters(top.get("parameters"), parameters)
    environments = dict(parameters.environments)
    by_environment: dict[str, Mapping[str, Any]] = {}
    deployments: list[Deployment] = []
    entries = _mapping(top["environments"], "environments") if "environments" in top else {}
    for name, node in entries.items():
        fields = _mapping(node, name)
        _known(fields, _ENVIRONMENT_KEYS)
        known = environments.get(name, Environment(name, name, ()))
        title = _text(fields, "title") or known.title
        environments[name] = Environment(name, title, (*known.words, *_texts(fields, "words")))
        by_environment[name] = _parameters(fields.get("parameters"), parameters)
        deployments.append(_deployment(name, fields))
    made = replace(parameters, environments=environments, own=own, own_by_environment=by_environment)
    return replace(configuration, parameters=made, deployments=tuple(deployments))


def _deployment(name: str, fields: Mapping[str, Node]) -> Deployment:
    return Deployment(
        environment=name,
        paths=_texts(fields, "paths"),
        var_files=_texts(fields, "var_files"),
        parameter_files=_texts(fields, "parameter_files"),
        region=_text(fields, "region"),
        workspace=_text(fields, "workspace"),
    )


def _parameters(node: Node | None, parameters: Parameters) -> dict[str, Any]:
    if node is None:
        return {}
    values = {}
    for name, value in _mapping(node, "parameters").items():
        declared = parameters.declarations.get(name)
        if declared is None:
            raise _refused(f'there is no parameter "{name}"{_near(name, parameters.declarations)}', value)
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
            raise _refused(f'the parameter "{name}" must be {wanted}', node)


def _severity(top: Mapping[str, Node]) -> Severity:
    written = _text(top, "fail_on")
    if not written:
        return Severity.LOW
    if written.upper() not in Severity.__members__:
        names = ", ".join(severity.label for severity in Severity)
        raise _refused(f'there is no severity "{written}"; there are {names}', top["fail_on"])
    return Severity.named(written)


def _budgets(top: Mapping[str, Node]) -> Budgets:
    written = _text(top, "budgets") or "project"
    if written not in get_args(Budgets):
        raise _refused(f'"budgets" is one of {", ".join(get_args(Budgets))}', top["budgets"])
    return cast("Budgets", written)


def _no_environment(name: str, parameters: Parameters) -> str:
    return f'there is no environment "{name}"; there are {", ".join(parameters.environments)}'


def _known(fields: Mapping[str, Node], known: tuple[str, ...]) -> None:
    for key, node in fields.items():
        if key not in known:
            raise _refused(f'there is no setting "{key}"{_near(key, known)}', node)


def _near(written: str, known: object) -> str:
    near = get_close_matches(written, list(known), n=1)  # type: ignore[call-overload]
    return f'; did you mean "{near[0]}"?' if near else ""


def _mapping(node: Node, what: str) -> Mapping[str, Node]:
    if not isinstance(node.content, Entries):
        raise _refused(f"{what} must be a mapping", node)
    return node.content.nodes


def _text(fields: Mapping[str, Node], key: str) -> str:
    node = fields.get(key)
    if node is None:
        return ""
    written = text_of(node.content)
    if written is None:
        raise _refused(f'"{key}" must be a text', node)
    return written


def _texts(fields: Mapping[str, Node], key: str) -> tuple[str, ...]:
    node = fields.get(key)
    if node is None:
        return ()
    nodes = node.content.nodes if isinstance(node.content, Items) else (node,)
    found = [text_of(item.content) for item in nodes]
    if any(text is None for text in found):
        raise _refused(f'"{key}" must be a text or a list of texts', node)
    return tuple(text for text in found if text is not None)


def _refused(message: str, node: Node) -> ConfigurationError:
    at = node.place
    return ConfigurationError(message, at.path, at.line, at.column)
