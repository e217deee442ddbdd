"""Parse the command line, run a command, and give its exit code.

0 is clean, 1 means findings at or above `--fail-on`, 2 that the run cannot be trusted, 3 that there was nothing to
scan at the paths that were asked for.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence

from mlguard import __version__
from mlguard.cli import commands
from mlguard.errors import MlguardError

_SEVERITIES = ("info", "low", "medium", "high", "critical")
_PARSING_MAKES_LONG_LIVED_OBJECTS = 100_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run mlguard with these arguments, those of the process by default; give the exit code."""
    gc.set_threshold(_PARSING_MAKES_LONG_LIVED_OBJECTS)  # trees are built and kept: looking for garbage finds none
    written = list(sys.argv[1:] if arguments is None else arguments)
    if written[:1] == ["hook"]:  # takes file names only, so that a file named like an option stays a file
        return _guarded(lambda: commands.hook(written[1:]))
    options = _parser().parse_args(written)
    return _guarded(lambda: int(options.run(options)))


def _guarded(run: commands.Run) -> int:
    """Run, and turn what mlguard raises on purpose into a line for the user; no traceback reaches one."""
    try:
        return run()
    except MlguardError as error:
        return commands.complain(str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    except KeyboardInterrupt:
        return commands.complain("interrupted")
    except Exception as error:
        if os.environ.get("MLGUARD_DEBUG"):
            raise
        what = f"a fault in mlguard itself ({type(error).__name__}: {error}); MLGUARD_DEBUG=1 shows where"
        return commands.complain(what)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mlguard",
        description="Find the infrastructure code that will burn money on machine learning in AWS.",
        epilog="Exit codes: 0 clean, 1 findings, 2 the run cannot be trusted, 3 nothing to scan.",
    )
    parser.add_argument("--version", action="version", version=f"mlguard {__version__}")
    made = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _scan(made)
    _policies(made)
    _prices(made)
    _scp(made)
    return parser


def _scan(made: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    scan = made.add_parser("scan", help="scan CloudFormation, Terraform and CDK output below the given paths")
    scan.add_argument("paths", nargs="*", metavar="PATH", help="files or folders; this folder by default")
    scan.add_argument("--format", default="text", help="text, json, sarif, github or markdown")
    scan.add_argument("--output", metavar="FILE", help="write the report to a file instead of standard output")
    scan.add_argument(
        "--select", action="append", default=[], metavar="POLICY", help="only these policies, packs or wildcards"
    )
    scan.add_argument(
        "--ignore", action="append", default=[], metavar="POLICY", help="none of these policies, packs or wildcards"
    )
    scan.add_argument(
        "--fail-on", choices=(*_SEVERITIES, "never"), help="the severity from which findings fail the run"
    )
    scan.add_argument(
        "--fail-on-exposure", type=float, metavar="USD", help="fail the run when at least this is at stake for a month"
    )
    scan.add_argument(
        "--sort", choices=("place", "severity", "exposure"), default="place", help="the order of findings"
    )
    scan.add_argument(
        "--unknown", choices=("pass", "fail"), default="pass", help="whether undecided checks fail the run"
    )
    _context(scan)
    scan.add_argument("--region", default="", help="the region of stacks and providers that do not name one")
    scan.add_argument(
        "--var", action="append", default=[], metavar="NAME=VALUE", help="the value of a Terraform variable"
    )
    scan.add_argument(
        "--plan",
        action="append",
        default=[],
        metavar="FILE",
        help="a plan, as `terraform show -json` writes it",
    )
    scan.add_argument("--var-file", action="append", default=[], metavar="FILE", help="a Terraform variable file")
    scan.add_argument(
        "--env-vars",
        action="store_true",
        help="take Terraform variables from TF_VAR_* and the workspace from TF_WORKSPACE",
    )
    scan.add_argument(
        "--parameters", action="append", default=[], metavar="FILE", help="a parameter file of a template, or samconfig"
    )
    scan.add_argument(
        "--parameter", action="append", default=[], metavar="NAME=VALUE", help="the value of a template parameter"
    )
    scan.add_argument(
        "--validate", action="store_true", help="report what cfn-lint calls an error in the templates as problems too"
    )
    scan.add_argument("--verbose", action="store_true", help="list every undecided check")
    scan.add_argument("--no-progress", action="store_true", help="show no progress bar")
    scan.set_defaults(run=commands.scan_command)


def _context(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--environment", "--env", default="", help="the environment that everything is judged for")
    parser.add_argument(
        "--config", metavar="FILE", help="the configuration file; .mlguard.yaml of the repository by default"
    )
    parser.add_argument("--no-config", action="store_true", help="read no configuration file")
    parser.add_argument("--policies", action="append", default=[], metavar="DIR", help="a folder of your own policies")


def _policies(made: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    listed = made.add_parser("policies", help="list the policies")
    listed.add_argument("--policies", action="append", default=[], metavar="DIR", help="a folder of your own policies")
    listed.add_argument("--format", choices=("text", "json"), default="text")
    listed.set_defaults(run=commands.policies_command)
    explain = made.add_parser("explain", help="show what a policy finds, why it costs, and how to fix it")
    explain.add_argument("policy", metavar="ID", help="the id of a policy, or its catalogue id such as MLG201")
    explain.add_argument("--policies", action="append", default=[], metavar="DIR")
    explain.set_defaults(run=commands.explain_command)
    new = made.add_parser("new", help="write the skeleton of a policy")
    new.add_argument("name", metavar="PACK/ID", help="for instance s3/bucket-without-lifecycle")
    new.add_argument("--policies", default="policies", metavar="DIR", help="the folder to write to")
    new.set_defaults(run=commands.new_command)
    test = made.add_parser("test", help="run the examples of policies")
    test.add_argument("names", nargs="*", metavar="POLICY", help="ids, or files of policies; all by default")
    test.add_argument("--policies", action="append", default=[], metavar="DIR")
    test.set_defaults(run=commands.test_command)


def _prices(made: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    prices = made.add_parser("prices", help="what instance types cost, and your own rates")
    commands_of = prices.add_subparsers(title="commands", required=True, metavar="COMMAND")
    show = commands_of.add_parser("show", help="show what an instance type costs, and how the figure comes about")
    show.add_argument("type", metavar="TYPE", help="for instance ml.g5.2xlarge")
    show.add_argument("--region", default="", help="us-east-1 by default")
    show.add_argument("--config", metavar="FILE", help="the configuration file, which may name your own rates")
    show.add_argument("--no-config", action="store_true", help="read no configuration file")
    show.set_defaults(run=commands.prices_show_command)
    taken = commands_of.add_parser("import", help="check a CSV file of your own rates, and keep it for scans")
    taken.add_argument("file", metavar="FILE", help="with item, region, usd_per_hour or discount_percent, and note")
    taken.add_argument("--to", default=".mlguard.prices.csv", metavar="FILE", help=".mlguard.prices.csv by default")
    taken.set_defaults(run=commands.prices_import_command)


def _scp(made: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    scp = made.add_parser("scp", help="organization guardrails (SCPs) from the same policies and parameters")
    commands_of = scp.add_subparsers(title="commands", required=True, metavar="COMMAND")
    generate = commands_of.add_parser("generate", help="write the SCP documents of an environment")
    _context(generate)
    generate.add_argument(
        "--select", action="append", default=[], metavar="POLICY", help="only these policies or packs"
    )
    generate.add_argument(
        "--ignore", action="append", default=[], metavar="POLICY", help="none of these policies or packs"
    )
    generate.add_argument("--out", metavar="DIR", help="write each document and a manifest to a folder")
    generate.add_argument(
        "--max-chars", type=int, default=10_240, help="the size limit of a document; 5120 before May 2026"
    )
    generate.add_argument("--slots", type=int, default=9, help="how many documents may be attached")
    generate.add_argument("--format", choices=("json", "terraform", "cloudformation", "cli"), default="json")
    generate.add_argument("--partition", choices=("aws", "aws-cn", "aws-us-gov"), default="aws")
    generate.add_argument("--from-findings", metavar="REPORT", help="only what the findings of a JSON report call for")
    generate.add_argument(
        "--companions", action="store_true", help="with --out: a tag policy, and a budget that freezes the sandbox"
    )
    generate.set_defaults(run=commands.scp_generate_command)
    _scp_impact(commands_of)
    diff = commands_of.add_parser("diff", help="tell what becomes denied or allowed between two sets of SCPs")
    diff.add_argument("old", metavar="OLD", help="an SCP, or a folder of them")
    diff.add_argument("new", metavar="NEW", help="an SCP, or a folder of them")
    diff.add_argument("--format", choices=("text", "json"), default="text")
    diff.add_argument("--accept-weakening", action="store_true", help="do not fail when something becomes allowed")
    diff.set_defaults(run=commands.scp_diff_command)
    check = commands_of.add_parser("check", help="check SCPs for what makes them dangerous or void")
    check.add_argument("files", nargs="+", metavar="FILE", help="SCPs, or code that embeds some: files or folders")
    check.add_argument("--format", choices=("text", "json", "sarif"), default="text")
    check.add_argument("--max-chars", type=int, default=10_240, help="the size limit of an SCP; 5120 before May 2026")
    check.add_argument("--slots", type=int, default=9, help="how many SCPs may be attached to one target")
    check.set_defaults(run=commands.scp_check_command)


def _scp_impact(made: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    impact = made.add_parser("impact", help="tell what SCPs would refuse of the code, before they are attached")
    add = impact.add_argument
    add("paths", nargs="*", metavar="PATH", help="files or folders; this folder by default")
    _context(impact)
    add("--scp", action="append", default=[], metavar="FILE", help="these SCPs, not the generated ones")
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
    impact.set_defaults(run=commands.scp_impact_command)
