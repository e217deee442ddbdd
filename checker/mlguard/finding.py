"""What to tell the person: findings, problems, checks that could not be decided, and the report of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from mlguard.errors import MlguardError
from mlguard.policy.model import Policy, Recipe, Severity
from mlguard.record import field, record
from mlguard.resource import Basis, Related
from mlguard.source import Document, Span
from mlguard.value import Scalar


@record()
class Suppression:
    """Why a finding does not count: the reason its author gave, and where."""

    reason: str
    at: Span


@record()
class Ignore:
    """A wish in the code that policies leave something alone, and what became of it.

    `ids` are the names as they are written, `hides` the findings that it keeps from counting, `faults` what is wrong
    with it, in words. `inline` tells a comment from metadata and acknowledgements.
    """

    ids: tuple[str, ...]
    reason: str
    until: str
    at: Span
    inline: bool = True
    hides: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


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


def fingerprint_of(policy: str, project: str, path: str, resource: str, leaf: str, repeat: int) -> str:
    """Identify a mistake by what is wrong with what."""
    from hashlib import blake2b  # noqa: PLC0415  (slow to import, and most reports name no fingerprint)

    parts = (policy, project, path, resource, leaf, str(repeat))
    return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


@record(eq=False)
class Remedy:
    """How a policy would mend a finding, every value known, before anybody has looked at the text.

    `at` is the header of the resource, or where the finding points when it is about a project; `parameter` that of the
    parameter that chooses the type. `replace` stands instead of the value `found_value`, which is written at `found`,
    or of nothing where that is None. `refused` says why nothing can be done.
    """

    safe: bool
    what: str
    at: Span
    type: str = ""
    parameter: Span | None = None
    found: Span | None = None
    found_value: Scalar = None
    replace: object = None
    recipes: tuple[Recipe, ...] = ()
    refused: str = ""


@record()
class Splice:
    """A stretch of a file, by offsets, and the text that stands there instead."""

    path: str
    start: int
    end: int
    text: str


@record(eq=False)
class Repair:
    """How a finding is mended: what is spliced into which files, or, in `refused`, why nothing is."""

    safe: bool
    what: str
    splices: tuple[Splice, ...] = ()
    refused: str = ""


Status = Literal["", "new", "worse", "existing", "fixed"]
"""What a change did to a finding: made it, made it dearer or more severe, left it as it was, took it away.

Empty where a run is compared with nothing.
"""


@record(eq=False)
class Finding:
    """One mistake in one place.

    `when` says in which scenarios it holds, empty when in all. `resource` is the address in the project, `project`
    the file or folder that names the project. `leaf` is the property that settled it, without list indexes. `also`
    are the addresses of more resources that it holds for alike: other instances of the block, other calls of a module.
    `joined` are the findings that this one stands for, where there are several.
    `exposure` is the money at stake, empty where no figure can be given. `status` is what the change did to it, and
    `was` what it was before, in words, where it got worse. `remedy` is how its policy would mend it, `repair` how that
    is written. `fail_on` is the severity from which findings of its project fail the run.
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
    joined: tuple[Finding, ...] = ()
    remedy: Remedy | None = None
    repair: Repair | None = None
    status: Status = ""
    was: str = ""
    fail_on: Severity = Severity.LOW

    @property
    def counts(self) -> bool:
        """Tell whether it may fail the run: it is not accepted, and no older than the change that is looked at."""
        return self.suppressed is None and self.status in ("", "new", "worse")

    @property
    def monthly(self) -> Money:
        """Give what is at stake for a month."""
        return sum_of(self.exposure)

    @property
    def fingerprint(self) -> str:
        """Identify the mistake across moved lines: what is wrong with what, never where it stands."""
        return fingerprint_of(self.policy.id, self.project, self.at.path, self.resource, self.leaf, self.repeat)

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Identify every mistake that this finding tells of: those of several resources alike are told as one."""
        return tuple(dict.fromkeys((self.fingerprint, *(one.fingerprint for one in self.joined))))

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
class Comparison:
    """What a run was compared with, and what that says of the whole.

    `against` names it in words: a commit, a baseline file. `fixed` are findings that are no more. `before` is what was
    at stake for a month then, None where a baseline cannot tell, and `added` what new and worse findings add.
    """

    against: str
    fixed: tuple[Finding, ...] = ()
    before: Money | None = None
    added: Money = field(default_factory=Money)


@record()
class Remark:
    """What reviewers of a change must know before they trust the check: how the change bears on the check itself.

    `kind` is one word for programs: `configuration`, `parameter`, `policies`, `baseline`, `suppression`, `pipeline` or
    `scope`, what is looked at.
    """

    kind: str
    text: str
    path: str = ""
    line: int = 0


@record()
class Provenance:
    """By what a run judged: the program, the configuration, the policies and the prices, each with its hash or day.

    `settings` are the options that bear on what counts, as they were given.
    """

    version: str
    configuration: str
    configuration_hash: str
    configuration_ref: str
    policies: int
    policies_hash: str
    prices: str
    settings: tuple[str, ...] = ()


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
    ignores: tuple[Ignore, ...] = ()
    comparison: Comparison | None = None
    remarks: tuple[Remark, ...] = ()
    provenance: Provenance | None = None

    def counted(self) -> tuple[Finding, ...]:
        """Give the findings that are not suppressed."""
        return tuple(finding for finding in self.findings if finding.suppressed is None)

    def failing(self) -> tuple[Finding, ...]:
        """Give the findings that may fail the run: of a compared one, those that the change made or worsened."""
        return tuple(finding for finding in self.findings if finding.counts)


def number_of(count: int, noun: str) -> str:
    """Give a number with its noun: `1 finding`, `2 findings`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
