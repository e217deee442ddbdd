"""What a configuration says: the settings, how code is deployed to each environment, and which paths that concerns."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Literal

from mlguard.policy.model import Severity
from mlguard.policy.parameters import Parameters, bundled_parameters
from mlguard.record import field, record

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
