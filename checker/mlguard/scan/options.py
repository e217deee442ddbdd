"""What to scan, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from mlguard.configuration import Configuration
from mlguard.errors import MlguardError
from mlguard.knowledge.rates import Rates
from mlguard.parse.cloudformation import Given
from mlguard.policy.model import Policy
from mlguard.record import field, record
from mlguard.source import Document, Root

if TYPE_CHECKING:
    from mlguard.parse.terraform import Variables

Tick = Callable[[str, int, int], None]
Validate = Callable[[Mapping[str, Document], str], list[MlguardError]]
"""Gives what else is wrong with the documents of a scan, for a region."""


@record()
class Options:
    """What to scan and how. `paths` are relative to the root, `only` limits the projects to those of these files.

    `plans` are files that hold Terraform plans, relative to the root too; they may lie outside of it.
    `given` is what the user says of the deployment of templates, `variables` of that of Terraform roots, `rates` are
    own prices. `known` are all policies that an ignore may name, `policies` those that are judged.
    """

    root: Root
    paths: tuple[str, ...] = ("",)
    plans: tuple[str, ...] = ()
    policies: tuple[Policy, ...] = ()
    known: tuple[Policy, ...] = ()
    configuration: Configuration = field(default_factory=Configuration)
    environment: str = ""
    region: str = ""
    variables: Variables | None = None
    rates: Rates = field(default_factory=Rates)
    given: Given = field(default_factory=Given)
    only: frozenset[str] | None = None
    validate: Validate | None = None
    tick: Tick = lambda _what, _done, _all: None
