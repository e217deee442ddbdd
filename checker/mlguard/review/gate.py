"""What reviewers of a change must know before they trust the check: how the change bears on the check itself."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from mlguard.configuration import FILE_NAMES, Configuration, Configurations
from mlguard.errors import MlguardError
from mlguard.finding import Finding, Ignore, Remark, Report
from mlguard.history import TreeRoot
from mlguard.policy.load import policy_files
from mlguard.record import record
from mlguard.review.baseline import read_baseline
from mlguard.review.changes import Change
from mlguard.review.settings import setting_changes
from mlguard.review.statuses import told
from mlguard.scan.discover import in_skipped_folder
from mlguard.source import Root

_CI = (".github/workflows/", ".github/actions/", ".gitlab-ci.yml", ".pre-commit-config.yaml", "azure-pipelines.yml")
_INFRASTRUCTURE = (".tf", ".tofu", ".tf.json", ".tofu.json", ".tfvars", ".yaml", ".yml", ".json", ".template")
_TERRAFORM = (".tf", ".tofu", ".tf.json", ".tofu.json")
_PYPROJECT = "pyproject.toml"
_MOST = 10


@record()
class Sides:
    """The two sides of a change: what was there before, what is there now, and what differs.

    `trusted` names where configuration, baseline and own policies come from, empty where they are those of the change.
    """

    before: TreeRoot
    now: Root
    changes: Sequence[Change]
    trusted: str = ""


def remarks_on_files(
    sides: Sides, configuration: Configuration, known: Sequence[Configuration], excluded: Callable[[str], bool]
) -> Iterator[Remark]:
    """Remark on configuration, policies, prices, baseline, pipelines and links that the change touches.

    `configuration` is that of the root, `known` those of all folders, `excluded` what they leave out.
    """
    yield from _configurations(sides, known)
    for change in sides.changes:
        if change.path == configuration.prices:
            yield Remark("configuration", f"the change edits the prices that the check uses{_used(sides)}", change.path)
    yield from _policies(sides, configuration)
    yield from _baseline(sides, configuration)
    yield from _unseen(sides, excluded)
    for change in sides.changes:
        if change.path.startswith(_CI):
            text = "the change edits the pipeline: look whether it still runs this check"
            yield Remark("pipeline", text, change.path)
    for path, seen in _links(sides):
        what = "which is checked under its own name" if seen else "and what it leads to is not checked"
        yield Remark("scope", f"the change adds or turns a symbolic link, {what}", path)


def _unseen(sides: Sides, excluded: Callable[[str], bool]) -> Iterator[Remark]:
    """Remark on code that the change adds or edits where the check does not look."""
    paths = [one.path for one in sides.changes if not one.removed and one.path.lower().endswith(_TERRAFORM)]
    hidden = [path for path in paths if in_skipped_folder(path) or any(map(excluded, (*_above(path), path)))]
    if hidden:
        listed = ", ".join(hidden[:_MOST]) + (f" and {len(hidden) - _MOST} more" if len(hidden) > _MOST else "")
        yield Remark("scope", f"the change touches code that the check leaves out: {listed}", hidden[0])


def _above(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def blind_links(sides: Sides) -> Iterator[str]:
    """Give the links that the change adds, and behind which infrastructure code could hide from the check."""
    yield from (path for path, seen in _links(sides) if not seen)


def _links(sides: Sides) -> Iterator[tuple[str, bool]]:
    """Give links that are named like infrastructure code, and whether what they lead to is looked at by itself."""
    for change in sides.changes:
        if change.link and change.path.lower().endswith(_INFRASTRUCTURE):
            target = sides.now.link_target(change.path)
            seen = target is not None and sides.now.is_file(target) and target.lower().endswith(_INFRASTRUCTURE)
            yield change.path, seen


def _folder(configuration: Configuration) -> str:
    return configuration.files[0].rpartition("/")[0]


def _configurations(sides: Sides, known: Sequence[Configuration]) -> Iterator[Remark]:
    extended = {path: _folder(one) for one in known for path in one.files}
    for change in sides.changes:
        folder, _, name = change.path.rpartition("/")
        if name not in (*FILE_NAMES, _PYPROJECT):
            if change.path not in extended:
                continue
            folder = extended[change.path]
        try:
            then = Configurations(sides.before).of(folder)
        except MlguardError:
            then = Configuration()
        try:
            now = Configurations(sides.now).of(folder)
        except MlguardError as error:
            yield Remark(
                "configuration", f"the changed configuration is refused: {error.message}", error.path, error.line
            )
            continue
        differences = setting_changes(then, now)
        if not differences and name == _PYPROJECT:
            continue
        verb = "adds" if change.added else "removes" if change.removed else "edits"
        yield Remark("configuration", f"the change {verb} this configuration{_used(sides)}", change.path)
        for kind, text in differences:
            yield Remark(kind, f"the changed configuration {text}", change.path)


def _policies(sides: Sides, configuration: Configuration) -> Iterator[Remark]:
    folders = dict.fromkeys((*configuration.policies, *_folders(sides.before), *_folders(sides.now)))
    for folder in folders:
        touched = [one for one in sides.changes if one.path.startswith(f"{posixpath.normpath(folder)}/")]
        for change in touched[:_MOST]:
            verb = "adds" if change.added else "removes" if change.removed else "edits"
            yield Remark("policies", f"the change {verb} a policy of your own", change.path)


def _folders(root: Root) -> tuple[str, ...]:
    try:
        return tuple(folder for folder in Configurations(root).of("").policies if policy_files(root, folder))
    except MlguardError:
        return ()


def _baseline(sides: Sides, configuration: Configuration) -> Iterator[Remark]:
    path = configuration.baseline
    if not path or not any(change.path == path for change in sides.changes):
        return
    try:
        now = set(read_baseline(sides.now, path).entries)
    except MlguardError as error:
        yield Remark("baseline", f"the changed baseline is refused: {error.message}", path, error.line)
        return
    try:
        then = set(read_baseline(sides.before, path).entries)
    except MlguardError:
        then = set()
    added, dropped = len(now - then), len(then - now)
    yield Remark("baseline", f"the change adds {added} entries to the baseline and drops {dropped}{_used(sides)}", path)


def _used(sides: Sides) -> str:
    return f"; the check used that of {sides.trusted}" if sides.trusted else ", and the check used it as it is now"


def remarks_on_ignores(report: Report, before: Report, new: Sequence[Finding], *, counted: bool) -> Iterator[Remark]:
    """Remark on every suppression that the change adds, or that hides now what it did not hide before.

    `new` are the findings that are newly hidden; `counted` says that these count all the same.
    """
    known = Counter(_words(ignore) for ignore in before.ignores)
    for ignore in report.ignores:
        words = _words(ignore)
        hidden = [one for one in new if set(one.fingerprints) & set(ignore.hides)]
        if known[words] > 0:
            known[words] -= 1
            if not hidden:
                continue
            what = "an ignore that was there hides more than before"
        else:
            what = "the change adds an ignore"
        listed = "; ".join(told(one) for one in hidden[:_MOST])
        hides = f" of {listed}" if hidden else f" of {', '.join(ignore.ids)}, which hides nothing new"
        verdict = ", which does not count" if hidden and counted else ""
        reason = f': "{ignore.reason}"' if ignore.reason else ", without a reason"
        yield Remark("suppression", f"{what}{hides}{verdict}{reason}", ignore.at.path, ignore.at.line)


def _words(ignore: Ignore) -> tuple[object, ...]:
    return (ignore.ids, ignore.reason, ignore.until)


def remark_on_effect(stricter: Report, weaker: Report, path: str, *, used: bool) -> Iterator[Remark]:
    """Remark on what the changed settings no longer find; `used` says that the check ran with them."""
    still = {name for one in weaker.findings for name in one.fingerprints}  # what is suppressed was found
    lost = [one for one in stricter.counted() if still.isdisjoint(one.fingerprints)]
    if lost:
        listed = "; ".join(told(one) for one in _worst(lost)[:3])
        verb = "does not find" if used else "would no longer find"
        more = f" and {len(lost) - 3} more" if len(lost) > 3 else ""  # noqa: PLR2004  (those that are listed)
        text = f"with the changed configuration, the check {verb} {len(lost)} of its findings: {listed}{more}"
        yield Remark("configuration", text, path)


def _worst(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda one: (-one.severity, -(one.monthly.high or one.monthly.low), one.order()))
