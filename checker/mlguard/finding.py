"""What to tell the person: findings, problems, checks that could not be decided, and the report of a run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from mlguard.errors import MlguardError
from mlguard.policy.model import Policy, Severity
from mlguard.resource import Related
from mlguard.source import Document, Span


@dataclass(frozen=True, slots=True)
class Suppression:
    """Why a finding does not count: the reason its author gave, and where."""

    reason: str
    at: Span


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """One mistake in one place.

    `when` says in which scenarios it holds, empty when in all. `resource` is the address in the project, `project`
    the file or folder that names the project. `leaf` is the property that settled it, without list indexes. `also`
    are the addresses of more resources that it holds for alike: other instances of the block, other calls of a module.
    """

    policy: Policy
    severity: Severity
    message: str
    at: Span
    project: str
    resource: str
    resource_type: str
    leaf: str = ""
    when: str = ""
    environment: str = ""
    construct: str = ""
    related: tuple[Related, ...] = ()
    suppressed: Suppression | None = None
    repeat: int = 0
    also: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Identify the mistake across moved lines: what is wrong with what, never where it stands."""
        parts = (self.policy.id, self.project, self.at.path, self.resource, self.leaf, str(self.repeat))
        return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()

    def order(self) -> tuple[object, ...]:
        """Give the key by which findings are sorted: by place, then by policy."""
        return (self.at, self.policy.id, self.resource, self.leaf, self.repeat)


@dataclass(frozen=True, slots=True)
class Undecided:
    """A check that needs a value which only the deployment decides."""

    policy: Policy
    because: str
    at: Span
    resource: str
    project: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How the files and checks of a run ended; `scanned + partly + failed + skipped` is the number of files seen.

    A file is `partly` scanned when values in it are unknown or a block of it could not be read.
    """

    scanned: int = 0
    partly: int = 0
    failed: int = 0
    skipped: int = 0
    projects: int = 0
    resources: int = 0
    checks: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """The whole outcome of a run: the only input of a renderer."""

    findings: tuple[Finding, ...]
    problems: tuple[MlguardError, ...]
    undecided: tuple[Undecided, ...]
    counts: Counts
    policies: tuple[Policy, ...]
    documents: Mapping[str, Document] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    display_prefix: str = ""

    def counted(self) -> tuple[Finding, ...]:
        """Give the findings that are not suppressed."""
        return tuple(finding for finding in self.findings if finding.suppressed is None)
