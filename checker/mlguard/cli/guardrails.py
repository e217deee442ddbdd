"""`mlguard scp generate`, `check`, `impact` and `diff`: what each takes, does and exits with."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from mlguard.cli.inputs import (
    add_context,
    configuration_of,
    display_prefix,
    paths_given,
    policies_chosen,
    policies_known,
    relative,
    variables_of,
)
from mlguard.cli.outcome import CLEAN, FINDINGS, NOTHING, UNTRUSTED, say
from mlguard.cli.scp import checked, documents_as_asked, findings_at, in_notes, rehearsed, scps_at, settings_of
from mlguard.errors import UsageError
from mlguard.guardrail.difference import compare, difference_as_json, difference_as_text
from mlguard.guardrail.document import generate
from mlguard.inspection import inspect
from mlguard.rehearsal import Deployer, Documents, rehearse
from mlguard.rehearsal.findings import called_for, unstopped
from mlguard.render.escape import terminal
from mlguard.scan import Options
from mlguard.scan.selection import named_environment
from mlguard.scp.decide import DEVELOPER
from mlguard.source import Root
from mlguard.source.root import root_of


def add_scp(parser: argparse.ArgumentParser) -> None:
    """Declare the commands of `mlguard scp`."""
    commands_of = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_generate(commands_of.add_parser("generate", help="write the SCP documents of an environment"))
    _add_impact(commands_of)
    diff = commands_of.add_parser("diff", help="tell what becomes denied or allowed between two sets of SCPs")
    diff.add_argument("old", metavar="OLD", help="an SCP, or a folder of them")
    diff.add_argument("new", metavar="NEW", help="an SCP, or a folder of them")
    diff.add_argument("--format", choices=("text", "json"), default="text")
    diff.add_argument("--accept-weakening", action="store_true", help="do not fail when something becomes allowed")
    diff.set_defaults(run=scp_diff_command)
    check = commands_of.add_parser("check", help="check SCPs for what makes them dangerous or void")
    check.add_argument("files", nargs="+", metavar="FILE", help="SCPs, or code that embeds some: files or folders")
    check.add_argument("--format", choices=("text", "json", "sarif"), default="text")
    check.add_argument("--max-chars", type=int, default=10_240, help="the size limit of an SCP; 5120 before May 2026")
    check.add_argument("--slots", type=int, default=9, help="how many SCPs may be attached to one target")
    check.set_defaults(run=scp_check_command)


def _add_generate(parser: argparse.ArgumentParser) -> None:
    add_context(parser)
    parser.add_argument("--select", action="append", default=[], metavar="POLICY", help="only these policies or packs")
    parser.add_argument(
        "--ignore", action="append", default=[], metavar="POLICY", help="none of these policies or packs"
    )
    parser.add_argument("--out", metavar="DIR", help="write each document and a manifest to a folder")
    parser.add_argument(
        "--max-chars", type=int, default=10_240, help="the size limit of a document; 5120 before May 2026"
    )
    parser.add_argument("--slots", type=int, default=9, help="how many documents may be attached")
    parser.add_argument("--format", choices=("json", "terraform", "cloudformation", "cli"), default="json")
    parser.add_argument("--partition", choices=("aws", "aws-cn", "aws-us-gov"), default="aws")
    parser.add_argument("--from-findings", metavar="REPORT", help="only what the findings of a JSON report call for")
    parser.add_argument(
        "--strict-coverage",
        action="store_true",
        help="write nothing and end with 1 where the SCPs would leave something open: a finding that they do not stop, "
        "a statement that denies nothing in an environment, launches by service-linked roles",
    )
    parser.add_argument(
        "--companions", action="store_true", help="with --out: a tag policy, and a budget that freezes the sandbox"
    )
    parser.set_defaults(run=scp_generate_command)


def _add_impact(made: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    impact = made.add_parser("impact", help="tell what SCPs would refuse of the code, before they are attached")
    add = impact.add_argument
    add("paths", nargs="*", metavar="PATH", help="files or folders; this folder by default")
    add_context(impact)
    add("--scp", action="append", default=[], metavar="PATH", help="this SCP, or those of a folder, not generated ones")
    add("--select", action="append", default=[], metavar="POLICY", help="only these policies or packs")
    add("--ignore", action="append", default=[], metavar="POLICY", help="none of these policies or packs")
    add("--region", default="", help="the region of stacks and providers that do not name one")
    add("--principal", default="", metavar="ARN", help="who deploys; by default a role that is not exempt")
    add("--account", default="", metavar="ID", help="the account that is deployed to")
    add("--var", action="append", default=[], metavar="NAME=VALUE", help="the value of a Terraform variable")
    add("--var-file", action="append", default=[], metavar="FILE", help="a Terraform variable file")
    add("--env-vars", action="store_true", help="take Terraform variables from TF_VAR_*")
    add("--format", choices=("text", "json"), default="text")
    add("--verbose", action="store_true", help="list what passes, too")
    impact.set_defaults(run=scp_impact_command)


def scp_generate_command(options: argparse.Namespace) -> int:
    """`mlguard scp generate`."""
    if os.environ.get("GITHUB_EVENT_NAME", "").startswith("pull_request") and not (options.config or options.no_config):
        raise UsageError(
            "a pull request may have written the configuration: name a trusted one by --config, or use --no-config"
        )
    root = Root(root_of([Path()]))
    configuration = configuration_of(options, root)
    everywhere = options.environment in ("", "all")
    named = "" if everywhere else named_environment(options.environment, configuration)
    policies = policies_chosen(policies_known(options, configuration, root), options, configuration)
    findings = findings_at(Path(options.from_findings)) if options.from_findings else None
    made = []
    for environment in configuration.parameters.environments if everywhere else [named]:
        chosen = policies if findings is None else called_for(policies, findings, environment if everywhere else "")
        settings = settings_of(configuration, options)
        made.append(generate(chosen, configuration.parameters, environment, settings))
    open_findings = list(unstopped(findings or (), policies, made))
    _tell(in_notes(open_findings))
    if options.strict_coverage and (open_findings or any(one.gaps for one in made)):
        _tell(f"{one.environment}: {gap}" for one in made for gap in one.gaps)
        _tell(["this is left open, so that nothing was written (--strict-coverage)"])
        return FINDINGS
    say(documents_as_asked(made, configuration, options, open_findings))
    return CLEAN


def _tell(notes: Iterable[str]) -> None:
    """Write notes to standard error: the documents go to standard output."""
    for note in notes:
        print(f"mlguard: {terminal(note, 0)}", file=sys.stderr)  # noqa: T201  (the command line speaks)


def scp_check_command(options: argparse.Namespace) -> int:
    """`mlguard scp check FILE…`."""
    paths = paths_given(options.files)
    root = Root(root_of(paths))
    names = [relative(root, path) for path in paths]
    inspected = inspect(root, names, max_chars=options.max_chars, slots=options.slots)
    say(checked(inspected, options.format, display_prefix(root)))
    if inspected.problems:
        return UNTRUSTED
    if not inspected.scps:
        return NOTHING
    return FINDINGS if any(fault.severity == "error" for fault in inspected.faults) else CLEAN


def scp_impact_command(options: argparse.Namespace) -> int:
    """`mlguard scp impact [PATH…]`."""
    paths = paths_given(options.paths) or [Path()]
    paths_given(options.scp)
    root = Root(root_of(paths))
    configuration = configuration_of(options, root)
    policies = policies_chosen(policies_known(options, configuration, root), options, configuration)
    scan_options = Options(
        root=root,
        paths=tuple(relative(root, path) for path in paths),
        policies=policies,
        configuration=configuration,
        environment=named_environment(options.environment, configuration),
        region=options.region,
        variables=variables_of(options, root),
    )
    given = [one for name in options.scp for one in scps_at(Path(name))]
    deployer = Deployer(options.principal or DEVELOPER, options.account)
    outcome = rehearse(scan_options, Documents(policies, configuration, given), deployer)
    say(rehearsed(outcome, options.format, display_prefix(root), verbose=options.verbose))
    if outcome.problems:
        return UNTRUSTED
    if not outcome.resources:
        return NOTHING
    return FINDINGS if outcome.denied else CLEAN


def scp_diff_command(options: argparse.Namespace) -> int:
    """`mlguard scp diff OLD NEW`."""
    difference = compare(scps_at(Path(options.old)), scps_at(Path(options.new)))
    say(difference_as_json(difference) if options.format == "json" else difference_as_text(difference))
    return FINDINGS if difference.weakened and not options.accept_weakening else CLEAN
