"""The effective configuration of a path: every setting with its value and where that comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from mlguard.configuration.model import Configuration
from mlguard.policy.model import Severity
from mlguard.record import record
from mlguard.source import Span

Origin = Span | Literal["default", "command line"]
_SETTINGS = (
    "select", "ignore", "exclude", "fail_on", "region", "environment", "budgets", "policies", "var_files", "prices",
    "break_glass", "mandatory", "baseline",
)  # fmt: skip
_DEPLOYED = ("var_files", "parameter_files", "region", "workspace")
_TELLING = {"path": "paths", "stack": "stacks", "workspace": "workspace", "tag": "tags"}


@record()
class Setting:
    """A setting by its name in the file, what it says, and who says so."""

    name: str
    value: object
    origin: Origin


@record()
class Explanation:
    """What counts for a path, which is a file or a folder.

    `environment` is the one that its parameters are for; where it is not `settled`, what is there may tell another.
    """

    path: str
    files: tuple[str, ...]
    environment: Setting
    settled: bool
    settings: tuple[Setting, ...]
    environments: tuple[Setting, ...]
    parameters: tuple[Setting, ...]


def explain(configuration: Configuration, path: str, given: Mapping[str, object]) -> Explanation:
    """Explain the configuration of a path; `given` is what the command line says instead, by name."""
    environment = _environment(configuration, path, given)
    return Explanation(
        path=path,
        files=configuration.files,
        environment=environment,
        settled="environment" in given or bool(configuration.environment_of(path)),
        settings=tuple(_settings(configuration, given)),
        environments=tuple(_environments(configuration)),
        parameters=tuple(_parameters(configuration, str(environment.value))),
    )


def _settings(configuration: Configuration, given: Mapping[str, object]) -> Iterator[Setting]:
    for name in _SETTINGS:
        if name in given:
            yield Setting(name, given[name], "command line")
            continue
        value = getattr(configuration, name)
        if name == "select":
            value = value or ("recommended",)
        yield Setting(name, value.label if isinstance(value, Severity) else value, _origin(configuration, name))


def _origin(configuration: Configuration, name: str) -> Origin:
    return configuration.origins.get(name, "default")


def _environment(configuration: Configuration, path: str, given: Mapping[str, object]) -> Setting:
    """Tell for which environment a path is judged where no stack, workspace, tag or name tells another one."""
    if "environment" in given:
        return Setting("environment", given["environment"], "command line")
    assigned = next((one for one in configuration.assignments if one.by == "path" and one.holds(path)), None)
    if assigned is not None:
        return Setting("environment", assigned.environment, assigned.at)
    name = configuration.environment or configuration.parameters.default_environment
    return Setting("environment", name, _origin(configuration, "environment"))


def _environments(configuration: Configuration) -> Iterator[Setting]:
    """Give what files say of environments: what tells them, and how the code is deployed to them."""
    deployed = {one.environment: one for one in configuration.deployments}
    for name, environment in configuration.parameters.environments.items():
        said: dict[str, object] = {"title": environment.title, "words": environment.words}
        for by, key in _TELLING.items():
            own = [one for one in configuration.assignments if (one.environment, one.by) == (name, by)]
            said[key] = tuple(f"{one.key}={one.pattern}" if one.key else one.pattern for one in own)
        if name in deployed:
            said["paths"] = deployed[name].paths
            said.update({key: getattr(deployed[name], key) for key in _DEPLOYED})
        for key, value in said.items():
            origin = _origin(configuration, f"environments.{name}.{key}")
            if origin != "default":
                yield Setting(f"{name}.{key}", value, origin)


def _parameters(configuration: Configuration, environment: str) -> Iterator[Setting]:
    parameters = configuration.parameters
    of_environment = parameters.own_by_environment.get(environment, {})
    for name, declared in parameters.declarations.items():
        if name in of_environment:
            yield Setting(
                name, of_environment[name], _origin(configuration, f"environments.{environment}.parameters.{name}")
            )
        elif name in parameters.own:
            yield Setting(name, parameters.own[name], _origin(configuration, f"parameters.{name}"))
        else:
            value = declared.default
            if declared.selectors[:1] == ("environment",) and isinstance(value, dict):
                value = value.get(environment, value.get(parameters.default_environment, value.get("*")))
            yield Setting(name, value, "default")
