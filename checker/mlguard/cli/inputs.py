"""What commands are given: configuration, policies, the values of a deployment, and paths below the root."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlguard.configuration import Configuration, Configurations, read_configuration
from mlguard.errors import UsageError
from mlguard.parse.cloudformation import Given, read_parameter_file, with_environment
from mlguard.policy.load import load_folder
from mlguard.policy.model import Policy
from mlguard.scan.selection import chosen_policies, known_policies
from mlguard.source import Root

if TYPE_CHECKING:
    from mlguard.parse.terraform import Variables


def add_context(parser: argparse.ArgumentParser) -> None:
    """Declare the options that tell what to judge, by which settings and policies."""
    parser.add_argument("--environment", "--env", default="", help="the environment that everything is judged for")
    parser.add_argument("--config", metavar="FILE", help="the configuration file; those of the folders by default")
    parser.add_argument("--no-config", action="store_true", help="read no configuration file")
    parser.add_argument("--policies", action="append", default=[], metavar="DIR", help="a folder of your own policies")


def configurations_of(options: argparse.Namespace, root: Root) -> Configurations:
    """Give the configuration of each folder; one for all of them where the options name a file, or none."""
    if options.no_config:
        return Configurations(root, Configuration())
    if options.config is None:
        return Configurations(root)
    path = Path(os.path.abspath(options.config))  # noqa: PTH100
    if root.folder in path.parents:
        return Configurations(root, read_configuration(root, relative(root, path)))
    return Configurations(root, read_configuration(Root(path.parent), path.name))


def configuration_of(options: argparse.Namespace, root: Root) -> Configuration:
    """Give the configuration of the root itself, or the one that the options name."""
    return configurations_of(options, root).of("")


def policies_known(options: argparse.Namespace, configuration: Configuration, root: Root) -> tuple[Policy, ...]:
    """Give every policy there is for the root."""
    return known_policies(root, configuration, own_policies(options.policies))


def policies_chosen(
    policies: Sequence[Policy], options: argparse.Namespace, configuration: Configuration
) -> tuple[Policy, ...]:
    """Give the policies that are judged."""
    return chosen_policies(policies, configuration, options.select, options.ignore)


def own_policies(folders: Sequence[str], root: Root | None = None) -> list[Policy]:
    """Read the folders of own policies that the command line names; UsageError where one is missing.

    Those inside of the `root` are read from it, so that they are those of its commit.
    """
    own: list[Policy] = []
    for written in folders:
        within, folder = policy_folder(written, root)
        if not within.is_folder(folder):
            raise UsageError(f"there is no policy folder {written}")
        own.extend(load_folder(within, folder, written, own))
    return own


def policy_folder(written: str, root: Root | None) -> tuple[Root, str]:
    """Give the root that a folder of own policies is read from, and its path in it."""
    path = Path(os.path.abspath(written))  # noqa: PTH100
    if root is not None and root.folder in path.parents:
        return root, relative(root, path)
    return Root(path), ""


def display_prefix(root: Root) -> str:
    """Give what leads from where the user stands to the root, so that the paths shown can be opened from there."""
    here = Path.cwd()
    if root.folder == here:
        return ""
    if root.folder in here.parents:
        return "../" * (len(here.parts) - len(root.folder.parts))
    return f"{root.folder.as_posix()}/"


def variables_of(options: argparse.Namespace, root: Root) -> Variables | None:
    """Read what the options say of Terraform variables; None for nothing. UsageError for a malformed one."""
    if not (options.var or options.var_file or options.env_vars):
        return None
    from mlguard.parse.terraform import Variables  # noqa: PLC0415  (not for a template)

    values = {}
    for written in options.var:
        name, equals, value = written.partition("=")
        if not equals:
            raise UsageError(f'--var takes NAME=VALUE, not "{written}"')
        values[name] = value
    files = tuple(relative(root, Path(path)) for path in options.var_file)
    process = {}
    if options.env_vars:
        process = {
            name.removeprefix("TF_VAR_"): text for name, text in os.environ.items() if name.startswith("TF_VAR_")
        }
    workspace = os.environ.get("TF_WORKSPACE", "") if options.env_vars else ""
    return Variables(files, values=values, process=process, workspace=workspace)


def given_of(options: argparse.Namespace, root: Root) -> Given:
    """Read what `--parameters` and `--parameter` say of the deployment of templates."""
    files = []
    for written in options.parameters:
        name, environment = with_environment(written)
        path = relative(root, Path(name))
        there = root if root.exists(path) else Root(root.folder)  # a commit may be older than the file
        files.append(read_parameter_file(there, path, environment))
    values = {}
    for written in options.parameter:
        name, equals, value = written.partition("=")
        if not equals or not name:
            raise UsageError(f'--parameter takes NAME=VALUE, not "{written}"')
        values[name] = value
    return Given(tuple(files), values)


def paths_given(written: Sequence[str]) -> list[Path]:
    """Give paths of the command line; UsageError for one that is not there."""
    paths = [Path(path) for path in written]
    for path in paths:
        if not os.path.lexists(path):
            raise UsageError(f"there is no file or folder {path}")
    return paths


def relative(root: Root, path: Path, *, outside: bool = False) -> str:
    """Give a path as the root names it; UsageError for one that is outside of it."""
    relative = os.path.relpath(os.path.abspath(path), root.folder).replace(os.sep, "/")  # noqa: PTH100
    if relative == ".":
        return ""
    if relative.startswith("../") and not outside:
        raise UsageError(f"{path} is outside of {root.folder}")
    return relative
