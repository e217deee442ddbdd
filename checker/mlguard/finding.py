"""What to tell the person: findings, problems, checks that could not be decided, and the report of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from mlguard.errors import MlguardError
from mlguard.policy.model import Policy, Severity
from mlguard.record import field, record
from mlguard.resource import Basis, Related
from mlguard.source import Document, Span


@record()
class Suppression:
    """Why a finding does not count: the reason its author gave, and where."""

    reason: str
    at: Span


@record()
class Part:
    """One thing that a finding puts money at stake for, in USD; the parts of a sum are told apart by all but the money.

    `high` is None where nothing bounds it. `per` is `month`, left as the code says, or `run`, for a job that ends.
    """

    project: str
    environment: str
    resource: str
    name: str
    low: float
    high: float | None
    per: Literal["month", "run"]
    basis: Basis
    how: str

    @property
    def key(self) -> tuple[str, ...]:
        """Tell what is paid for: two findings about one resource put the same money at stake."""
        return (self.project, self.environment, self.resource, self.name, self.per)


@record()
class Money:
    """A sum in USD; `high` is None where nothing bounds it."""

    low: float = 0.0
    high: float | None = 0.0

    @property
    def known(self) -> bool:
        """Tell whether there is a figure at all."""
        return self.low > 0 or bool(self.high)


def sum_of(parts: Iterable[Part], per: Literal["month", "run"] = "month") -> Money:
    """Add parts up, each thing that is paid for once, with the widest range that is told of it."""
    lows: dict[tuple[str, ...], float] = {}
    highs: dict[tuple[str, ...], float | None] = {}
    for part in parts:
        if part.per != per:
            continue
        before = highs.get(part.key, 0.0)
        lows[part.key] = max(lows.get(part.key, 0.0), part.low)
        highs[part.key] = None if before is None or part.high is None else max(before, part.high)
    unbounded = any(high is None for high in highs.values())
    return Money(sum(lows.values()), None if unbounded else sum(high or 0.0 for high in highs.values()))


@record(eq=False)
class Finding:
    """One mistake in one place.

    `when` says in which scenarios it holds, empty when in all. `resource` is the address in the project, `project`
    the file or folder that names the project. `leaf` is the property that settled it, without list indexes. `also`
    are the addresses of more resources that it holds for alike: other instances of the block, other calls of a module.
    `exposure` is the money at stake, empty where no figure can be given.
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
    exposure: tuple[Part, ...] = ()
    also: tuple[str, ...] = ()

    @property
    def monthly(self) -> Money:
        """Give what is at stake for a month."""
        return sum_of(self.exposure)

    @property
    def fingerprint(self) -> str:
        """Identify the mistake across moved lines: what is wrong with what, never where it stands."""
        from hashlib import blake2b  # noqa: PLC0415  (slow to import, and most reports name no fingerprint)

        parts = (self.policy.id, self.project, self.at.path, self.resource, self.leaf, str(self.repeat))
        return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()

    def order(self) -> tuple[object, ...]:
        """Give the key by which findings are sorted: by place, then by policy."""
        return (self.at, self.policy.id, self.resource, self.leaf, self.repeat)


@record()
class Undecided:
    """A check that needs a value which only the deployment decides."""

    policy: Policy
    because: str
    at: Span
    resource: str
    project: str


@record()
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


@record(eq=False)
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
