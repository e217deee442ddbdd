"""`mlguard policies`, `explain`, `new` and `test`."""

from __future__ import annotations

import argparse
from pathlib import Path

from mlguard.authoring import test_policies, write_skeleton
from mlguard.cli.inputs import own_policies, policy_folder
from mlguard.cli.outcome import CLEAN, FINDINGS, say
from mlguard.explain import policy_list, policy_page, with_examples
from mlguard.policy.housekeeping import HOUSEKEEPING
from mlguard.policy.load import bundled_policies
from mlguard.scan.selection import choose


def add_policies(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `mlguard policies`."""
    _add_folders(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.add_argument("--hash", metavar="DIR", help="print the hash of a policy folder, for --policy-pack-hash")
    parser.set_defaults(run=policies_command)


def add_explain(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `mlguard explain`."""
    parser.add_argument("policy", metavar="ID", help="the id of a policy, or its catalogue id such as MLG201")
    _add_folders(parser)
    parser.set_defaults(run=explain_command)


def add_new(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `mlguard new`."""
    parser.add_argument("name", metavar="PACK/ID", help="for instance s3/bucket-without-lifecycle")
    parser.add_argument("--policies", default="policies", metavar="DIR", help="the folder to write to")
    parser.set_defaults(run=new_command)


def add_test(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `mlguard test`."""
    parser.add_argument("names", nargs="*", metavar="POLICY", help="ids, or files of policies; all by default")
    _add_folders(parser)
    parser.set_defaults(run=test_command)


def _add_folders(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--policies", action="append", default=[], metavar="DIR", help="a folder of your own policies")


def policies_command(options: argparse.Namespace) -> int:
    """`mlguard policies`."""
    if options.hash is not None:
        from mlguard.review.pins import pack_hash  # noqa: PLC0415  (hashing is slow to import)

        within, folder = policy_folder(options.hash, None)
        say(f"{pack_hash(within, folder)}\n")
        return CLEAN
    say(policy_list([*bundled_policies(), *HOUSEKEEPING, *own_policies(options.policies)], options.format))
    return CLEAN


def explain_command(options: argparse.Namespace) -> int:
    """`mlguard explain ID`."""
    policies = [*bundled_policies(), *HOUSEKEEPING, *own_policies(options.policies)]
    chosen = choose(policies, [options.policy], [])
    say("\n".join(policy_page(with_examples(policy)) for policy in chosen))
    return CLEAN


def new_command(options: argparse.Namespace) -> int:
    """`mlguard new PACK/ID`."""
    say(f"{write_skeleton(options.name, Path(options.policies))}\n")
    return CLEAN


def test_command(options: argparse.Namespace) -> int:
    """`mlguard test [POLICY…]`."""
    text, failed = test_policies(options.names, options.policies)
    say(text)
    return FINDINGS if failed else CLEAN
