"""What a configuration says: the settings, how code is deployed to each environment, and which paths that concerns."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Literal

from mlguard.policy.model import Severity
from mlguard.policy.parameters import Parameters, bundled_parameters
from mlguard.record import field, record
from mlguard.source import Span

Budgets = Literal["project", "repository", "managed_elsewhere"]
"""Which budgets count for a project: its own, all of the repository, or some that nobody here sees."""


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
        return not self.paths or any(below(path, pattern) for pattern in self.paths)


@record()
class Assignment:
    """What tells the environment: a pattern of paths, stack names, workspaces, or values of the tag `key`."""

    environment: str
    by: Literal["path", "stack", "workspace", "tag"]
    pattern: str
    at: Span
    key: str = ""

    def holds(self, written: str) -> bool:
        """Tell whether a path, a name or a value is one that is meant."""
        if self.by == "path":
            return below(written, self.pattern)
        return written == self.pattern if self.by == "workspace" else fnmatchcase(written, self.pattern)


@record()
class Configuration:
    """What the configuration files of a folder say together; the defaults where there is none.

    `files` are what it was read from, the nearest first. `origins` tell where a setting is written, by its name:
    `fail_on`, `parameters.max_idle_seconds`, `environments.production.region`. Every path and pattern in it is relative
    to the root. `assignments` are the nearest first. `mandatory` names policies that nothing in the code leaves out.
    """

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
    mandatory: tuple[str, ...] = ()
    baseline: str = ""
    parameters: Parameters = field(default_factory=bundled_parameters)
    deployments: tuple[Deployment, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    files: tuple[str, ...] = ()
    origins: Mapping[str, Span] = field(default_factory=dict)

    def environment_of(self, path: str) -> str:
        """Give the environment that the configuration assigns to a path, empty where it assigns none."""
        return next((one.environment for one in self.assignments if one.by == "path" and one.holds(path)), "")

    def assigned(self, by: str, written: str, key: str = "") -> str:
        """Give the environment that is assigned to a stack, a workspace or the value of a tag; empty for none."""
        same = (one for one in self.assignments if one.by == by and one.key == key and one.holds(written))
        return next((one.environment for one in same), "")

    def region_of(self, path: str, environment: str = "") -> str:
        """Give the region that the configuration says for an environment, that of the path by default."""
        name = environment or self.environment_of(path) or self.environment
        return next((one.region for one in self.deployments if one.environment == name and one.region), self.region)

    def excludes(self, path: str) -> bool:
        """Tell whether a file or folder is not to be looked at."""
        return any(below(path, pattern) for pattern in self.exclude)


def below(path: str, pattern: str) -> bool:
    """Tell whether a pattern means a path, or a folder above it; `**/` may stand for no folder at all."""
    if fnmatchcase(path, pattern) or fnmatchcase(path, f"{pattern.rstrip('/')}/*"):
        return True
    return pattern.startswith("**/") and below(path, pattern[3:])
