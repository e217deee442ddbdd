"""Find the `policies/` folder: inside the installed package, or beside `checker/` in a checkout."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from mlguard.errors import PolicyError


@cache
def policies_folder() -> Path:
    """Give the folder of policies, vocabulary, schemas and data; PolicyError when the installation lacks it."""
    package = Path(__file__).resolve().parent
    candidates = (package / "policies", package.parent.parent / "policies")
    for candidate in candidates:
        if (candidate / "parameters.yaml").is_file():
            return candidate
    looked = " nor ".join(str(candidate) for candidate in candidates)
    raise PolicyError(f"the bundled policies are missing: there is neither {looked}; install mlguard-iac again")
