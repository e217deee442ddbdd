"""Parse the command line, run a command, and give its exit code.

0 is clean, 1 means findings at or above `--fail-on`, 2 that the run cannot be trusted, 3 that there was nothing to
scan at the paths that were asked for.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from mlguard import __version__
from mlguard.cli.outcome import UNTRUSTED, complain
from mlguard.errors import MlguardError, fault

_COMMANDS = {
    "scan": ("scan", "scan CloudFormation, Terraform and CDK output below the given paths"),
    "baseline": ("baseline", "write down what is there, so that scans tell it from what comes"),
    "suppressions": ("suppressions", "list every suppression: what it hides, its reason, its age"),
    "policies": ("policies", "list the policies"),
    "explain": ("policies", "show what a policy finds, why it costs, and how to fix it"),
    "new": ("policies", "write the skeleton of a policy"),
    "test": ("policies", "run the examples of policies"),
    "prices": ("prices", "what instance types cost, and your own rates"),
    "config": ("config", "what is configured for a path, and where each value comes from"),
    "init": ("init", "write a configuration, a pre-commit hook and a workflow for this repository"),
    "scp": ("guardrails", "organization guardrails (SCPs) from the same policies and parameters"),
}
"""The commands: the module of this package that declares and runs each, and what it is for."""
_PARSING_MAKES_LONG_LIVED_OBJECTS = 100_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run mlguard with these arguments, those of the process by default; give the exit code."""
    gc.set_threshold(_PARSING_MAKES_LONG_LIVED_OBJECTS)  # trees are built and kept: there is little garbage to look for
    try:
        return _run(list(sys.argv[1:] if arguments is None else arguments))
    finally:
        if arguments is None:
            gc.freeze()  # Python looks for garbage as it ends, three times: a tenth of all time, for nothing


def _run(written: Sequence[str]) -> int:
    if written[:1] == ["hook"]:  # takes file names only, so that a file named like an option stays a file
        return _guarded(lambda: _hook(written[1:]))
    options = _parser(written).parse_args(written)
    return _guarded(lambda: int(options.run(options)))


def _hook(names: Sequence[str]) -> int:
    from mlguard.cli.scan import hook  # noqa: PLC0415  (each command reads what it needs)

    return hook(names)


def _guarded(run: Callable[[], int]) -> int:
    """Run, and turn what mlguard raises on purpose into a line for the user; no traceback reaches one."""
    try:
        return run()
    except MlguardError as error:
        return complain(str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNTRUSTED
    except KeyboardInterrupt:
        return complain("interrupted")
    except Exception as error:
        if os.environ.get("MLGUARD_DEBUG"):
            raise
        return complain(fault(error))


def _parser(written: Sequence[str]) -> argparse.ArgumentParser:
    """Build the parser with the command that is used; where none is, each is a name with a line of help."""
    parser = argparse.ArgumentParser(
        prog="mlguard",
        description="Find the infrastructure code that will burn money on machine learning in AWS.",
        epilog="Exit codes: 0 clean, 1 findings, 2 the run cannot be trusted, 3 nothing to scan.",
    )
    parser.add_argument("--version", action="version", version=f"mlguard {__version__}")
    made = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", prog="mlguard")
    used = [name for name in written[:1] if name in _COMMANDS]
    for name in used or _COMMANDS:
        module, what = _COMMANDS[name]
        command = made.add_parser(name, help=what)
        if used:
            getattr(import_module(f"mlguard.cli.{module}"), f"add_{name}")(command)
    return parser
