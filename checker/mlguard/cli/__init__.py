"""The command line: commands, options, exit codes, and no logic of its own."""

from mlguard.cli.main import main

__all__ = ["main"]
