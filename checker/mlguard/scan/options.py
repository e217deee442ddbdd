"""What to scan, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING

from mlguard.configuration import Configuration, Configurations
from mlguard.errors import MlguardError
from mlguard.knowledge.rates import Rates
from mlguard.parse.cloudformation import Given
from mlguard.policy.model import Policy
from mlguard.record import field, record
from mlguard.source import Document, Root

if TYPE_CHECKING:
    from mlguard.cache.store import Store
    from mlguard.parse.terraform import Variables

Tick = Callable[[str, int, int], None]
Validate = Callable[[Mapping[str, Document], str], list[MlguardError]]
"""Gives what else is wrong with the documents of a scan, for a region."""


def no_progress(_what: str, _done: int, _everything: int) -> None:
    """Show nothing."""


@record(eq=False)
class Terms:
    """By what one project is judged: the configuration of its folder, and what follows from that.

    `known` are all policies that an ignore may name, `policies` those that are judged, `mandatory` the ids of those
    that nothing in the code can leave out.
    """

    configuration: Configuration
    policies: tuple[Policy, ...] = ()
    known: tuple[Policy, ...] = ()
    rates: Rates = field(default_factory=Rates)
    mandatory: frozenset[str] = frozenset()


@record(eq=False)
class Options:
    """What to scan and how. `paths` are relative to the root, `only` limits the projects to those of these files.

    `plans` are files that hold Terraform plans, relative to the root too; they may lie outside of it.
    `given` is what the user says of the deployment of templates, `variables` of that of Terraform roots, `rates` are
    own prices. `known` are all policies that an ignore may name, `policies` those that are judged, `mandatory` the ids
    of those that no ignore leaves out. All five are those of every project, unless `terms_of` gives them by its path,
    from `configurations`.

    `jobs` is the number of processes, 0 for as many as pay. `ignored` asks for what git ignores, too. `today` decides
    what has expired. Without `heed_ignores`, no suppression in the code counts. `store` keeps what
    is found out for the next scan.
    """

    root: Root
    paths: tuple[str, ...] = ("",)
    plans: tuple[str, ...] = ()
    policies: tuple[Policy, ...] = ()
    known: tuple[Policy, ...] = ()
    mandatory: frozenset[str] = frozenset()
    today: date = field(default_factory=date.today)  # a day, as the author of an ignore means it
    configuration: Configuration = field(default_factory=Configuration)
    environment: str = ""
    region: str = ""
    variables: Variables | None = None
    rates: Rates = field(default_factory=Rates)
    given: Given = field(default_factory=Given)
    only: frozenset[str] | None = None
    validate: Validate | None = None
    tick: Tick = no_progress
    configurations: Configurations | None = None
    terms_of: Callable[[str], Terms] | None = None
    jobs: int = 1
    ignored: bool = False
    heed_ignores: bool = True
    store: Store | None = None

    def terms(self, path: str) -> Terms:
        """Give by what the project at a path is judged."""
        if self.terms_of is None:
            return Terms(self.configuration, self.policies, self.known, self.rates, self.mandatory)
        return self.terms_of(path)

    def excluded(self, path: str) -> bool:
        """Tell whether the configuration of the folder that holds a path excludes it."""
        if self.configurations is None:
            return self.configuration.excludes(path)
        return self.configurations.of(path.rpartition("/")[0]).excludes(path)
