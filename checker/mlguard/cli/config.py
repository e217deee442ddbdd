"""`mlguard config show` and `mlguard config schema`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from mlguard.bundled import policies_folder
from mlguard.cli.inputs import add_context, configurations_of, own_policies, relative
from mlguard.cli.outcome import CLEAN, say
from mlguard.configuration.explanation import explain
from mlguard.errors import UsageError
from mlguard.render.configuration import explanation_as_json, explanation_as_text
from mlguard.scan.selection import Selection, named_environment
from mlguard.source import Root
from mlguard.source.root import root_of

_SEVERITIES = ("info", "low", "medium", "high", "critical", "never")


def add_config(parser: argparse.ArgumentParser) -> None:
    """Declare the commands of `mlguard config`."""
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    show = commands.add_parser("show", help="the effective configuration of a path, and where each value comes from")
    show.add_argument("path", nargs="?", default=".", metavar="PATH", help="a file or folder; this folder by default")
    show.add_argument("--format", choices=("text", "json"), default="text")
    show.add_argument("--all", action="store_true", help="show parameters that have their defaults, too")
    show.add_argument("--select", action="append", default=[], metavar="POLICY", help="as for `mlguard scan`")
    show.add_argument("--ignore", action="append", default=[], metavar="POLICY", help="as for `mlguard scan`")
    show.add_argument("--fail-on", choices=_SEVERITIES, help="as for `mlguard scan`")
    show.add_argument("--region", default="", help="as for `mlguard scan`")
    add_context(show)
    show.set_defaults(run=show_command)
    schema = commands.add_parser("schema", help="the JSON Schema of configuration files, for editors")
    schema.set_defaults(run=schema_command)


def schema_command(_options: argparse.Namespace) -> int:
    """`mlguard config schema`."""
    say((policies_folder() / "schema" / "configuration.schema.json").read_text(encoding="utf-8"))
    return CLEAN


def show_command(options: argparse.Namespace) -> int:
    """`mlguard config show PATH`."""
    path = Path(options.path)
    if not os.path.lexists(path):
        raise UsageError(f"there is no file or folder {path}")
    root = Root(root_of([path]))
    configurations = configurations_of(options, root)
    inside = relative(root, path)
    configuration = configurations.of_path(inside)
    Selection(root, configurations, own_policies(options.policies), options.select, options.ignore)(inside)
    given: dict[str, object] = {
        "select": tuple(options.select),
        "ignore": (*options.ignore, *configuration.ignore) if options.ignore else (),
        "fail_on": options.fail_on,
        "region": options.region,
        "environment": named_environment(options.environment, configuration),
    }
    explanation = explain(configuration, inside, {name: value for name, value in given.items() if value})
    if options.format == "json":
        say(explanation_as_json(explanation))
    else:
        say(explanation_as_text(explanation, everything=options.all))
    return CLEAN
