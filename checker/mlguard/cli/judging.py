"""What is judged, and how: the options of every command that scans, and the scan that they ask for."""

from __future__ import annotations

import argparse
from pathlib import Path

from mlguard.cli.cache_folder import store_for
from mlguard.cli.change import pinned
from mlguard.cli.inputs import configurations_of, given_of, own_policies, relative, variables_of
from mlguard.scan import Options, Validate
from mlguard.scan.selection import Selection, named_environment
from mlguard.source import Root

_MAX_JOBS = 256


def add_judging(parser: argparse.ArgumentParser) -> None:
    """Declare what policies are judged, and what is said of the deployment."""
    add = parser.add_argument
    add("--select", action="append", default=[], metavar="POLICY", help="only these policies, packs or wildcards")
    add("--ignore", action="append", default=[], metavar="POLICY", help="none of these policies, packs or wildcards")
    add("--region", default="", help="the region of stacks and providers that do not name one")
    add("--var", action="append", default=[], metavar="NAME=VALUE", help="the value of a Terraform variable")
    add(
        "--plan",
        action="append",
        default=[],
        metavar="FILE",
        help="a plan, as `terraform show -json` writes it",
    )
    add("--var-file", action="append", default=[], metavar="FILE", help="a Terraform variable file")
    add(
        "--env-vars",
        action="store_true",
        help="take Terraform variables from TF_VAR_* and the workspace from TF_WORKSPACE",
    )
    add(
        "--parameters", action="append", default=[], metavar="FILE", help="a parameter file of a template, or samconfig"
    )
    add("--parameter", action="append", default=[], metavar="NAME=VALUE", help="the value of a template parameter")
    add("--validate", action="store_true", help="report what cfn-lint calls an error in the templates as problems too")
    add(
        "--jobs",
        type=_jobs,
        default=0,
        metavar="N",
        help="how many processes judge projects; as many as pay by default",
    )
    add("--no-ignore", action="store_true", help="look at what git ignores, too")
    add("--no-cache", action="store_true", help="neither use nor keep what is found out, see MLGUARD_CACHE_DIR")


def _jobs(written: str) -> int:
    """Read a number of processes."""
    if not written.isdecimal() or not 1 <= int(written[:9]) <= _MAX_JOBS:
        raise argparse.ArgumentTypeError(f"wanted a number from 1 to {_MAX_JOBS}")
    return int(written)


def scan_options(options: argparse.Namespace, root: Root, settings: Root) -> Options:
    """Give how to scan the code of a root by the settings of the same or another one."""
    configurations = configurations_of(options, settings)
    configuration = configurations.of("")
    own = own_policies(options.policies, settings)
    pinned(options, settings, configuration)
    selection = Selection(settings, configurations, own, options.select, options.ignore)
    terms = selection("")
    return Options(
        root=root,
        plans=tuple(relative(root, Path(path), outside=True) for path in options.plan),
        policies=terms.policies,
        known=terms.known,
        mandatory=terms.mandatory,
        configuration=configuration,
        environment=named_environment(options.environment, configuration),
        region=options.region,
        variables=variables_of(options, root),
        rates=terms.rates,
        given=given_of(options, root),
        validate=_validation(options),
        configurations=configurations,
        terms_of=selection,
        jobs=options.jobs,
        ignored=options.no_ignore,
        heed_ignores=not options.no_ignores,
        store=None if options.no_cache else store_for(root),
    )


def _validation(options: argparse.Namespace) -> Validate | None:
    if not options.validate:
        return None
    from mlguard.validate import template_errors  # noqa: PLC0415  (for cfn-lint, which few runs need)

    return template_errors
