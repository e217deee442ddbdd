"""Run the command line as `python -m mlguard`."""

from mlguard.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
