"""The option that rewrites the expected reports, `pytest tests/golden --update-golden`, and assemblies of today."""

from __future__ import annotations

from pathlib import Path

import pytest

_FIXTURES = Path(__file__).parents[2] / "fixtures"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write what mlguard reports now as what is expected")


@pytest.fixture(scope="session", autouse=True)
def _assemblies_are_not_stale() -> None:
    """Date the assemblies now: a checkout may write the source of an app long after what was made of it."""
    for manifest in _FIXTURES.rglob("manifest.json"):
        manifest.touch()


JUDGED = (
    "bucket-without-lifecycle",
    "budget-without-subscribers",
    "cluster-without-auto-termination",
    "instance-type-not-allowed",
    "instance-type-unconstrained",
    "log-group-without-retention",
    "ml-project-without-budget",
    "notebook-script-does-not-stop-idle",
    "notebook-without-lifecycle-config",
    "premium-accelerator-in-nonproduction",
    "premium-region",
    "repository-without-lifecycle-policy",
    "studio-without-idle-shutdown",
    "training-without-spot",
)
"""The policies that the expected verdicts speak of: a new one is added here, and to every file where it has a say."""


@pytest.fixture(scope="session")
def judged() -> frozenset[str]:
    """Give the ids of the policies that the expected verdicts speak of."""
    return frozenset(JUDGED)
