"""The options that compare a scan with what was there before, and that keep a change from steering its own check."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mlguard.cli.inputs import policy_folder, relative
from mlguard.configuration import Configuration
from mlguard.errors import UsageError
from mlguard.finding import Report
from mlguard.record import record, replace
from mlguard.scan import Options, scan
from mlguard.source import Root

if TYPE_CHECKING:
    from mlguard.history import Repository, TreeRoot
    from mlguard.review.baseline import Baseline

_SHORT = 12  # digits of a commit's id that people read
_UNSTAMPED = frozenset(("text", "github"))


def add_change(parser: argparse.ArgumentParser) -> None:
    """Declare what to compare with, and what of the change is not to be trusted."""
    add = parser.add_argument
    add("--diff-base", metavar="REF", default="", help="tell what is new since the merge base with this commit")
    add("--baseline", metavar="FILE", help="what this file lists was there before, see `mlguard baseline`")
    add(
        "--config-ref", metavar="REF", default="", help="take configuration, baseline and own policies from this commit"
    )
    add("--no-new-ignores", action="store_true", help="with --diff-base: ignores that the change adds do not count")
    add("--no-ignores", action="store_true", help="no ignore in the code counts")
    add_pins(parser)


def add_pins(parser: argparse.ArgumentParser) -> None:
    """Declare `--policy-pack-hash`."""
    parser.add_argument(
        "--policy-pack-hash",
        action="append",
        default=[],
        metavar="HASH",
        help="refuse own policies of another hash, see `mlguard policies --hash`",
    )


@record()
class Change:
    """What a scan is compared with: roots of commits, by the names that the user gave them.

    `settings` is the root that configuration, baseline and own policies are read from.
    """

    root: Root
    settings: Root
    repository: Repository | None = None
    base: TreeRoot | None = None
    base_name: str = ""
    settings_name: str = ""

    def report(self, options: argparse.Namespace, options_for: Callable[[Root, Root], Options]) -> Report:
        """Scan, and compare where it is asked for; `options_for` tells how, for the roots of code and settings."""
        made = self._remembering(options_for(self.root, self.settings), options)
        baseline = self._baseline(options, made.configuration)
        if self.base is None and baseline is None:
            report = scan(made)
        else:
            from mlguard.review import Request, review  # noqa: PLC0415  (most scans compare with nothing)

            request = Request(
                now=self.root,
                repository=self.repository,
                base=self.base,
                base_name=self.base_name,
                trusted=self.settings_name,
                baseline=baseline,
                new_ignores=not options.no_new_ignores,
                before=lambda base: replace(options_for(base, self.settings), store=made.store),
                judged_by=lambda settings: replace(options_for(self.root, settings), store=made.store),
            )
            report = review(made, request)
        if _UNSTAMPED.issuperset(options.format):
            return report
        from mlguard.review.provenance import stamped  # noqa: PLC0415  (hashing is slow to import)

        return stamped(report, made, self.settings, self.settings_name, _given(options))

    def _remembering(self, made: Options, options: argparse.Namespace) -> Options:
        """Let the second scan of a comparison know what the first one found out, where nothing else is kept."""
        if self.base is None or made.store is not None or options.no_cache:
            return made
        from mlguard.cache.store import Memory  # noqa: PLC0415  (a database, for few scans)

        return replace(made, store=Memory())

    def _baseline(self, options: argparse.Namespace, configuration: Configuration) -> Baseline | None:
        if options.baseline is None and not configuration.baseline:
            return None
        from mlguard.review.baseline import read_baseline  # noqa: PLC0415  (for those who have one)

        if options.baseline is None:
            return read_baseline(self.settings, configuration.baseline)
        path = Path(options.baseline).absolute()
        if self.root.folder in path.parents:
            return read_baseline(self.settings, relative(self.root, path))
        return read_baseline(Root(path.parent), path.name)


@contextmanager
def change_of(options: argparse.Namespace, root: Root) -> Iterator[Change]:
    """Give what the options compare with; git is asked only when one of them names a commit."""
    if options.no_new_ignores and not options.diff_base:
        raise UsageError("--no-new-ignores needs --diff-base: it tells which ignores are new")
    if not (options.diff_base or options.config_ref):
        yield Change(root, root)
        return
    from mlguard.history import TreeRoot, repository_of  # noqa: PLC0415  (most scans need no git)

    with repository_of(root.folder) as repository:
        settings, base, base_name, settings_name = root, None, "", ""
        if options.config_ref:
            commit = repository.commit(options.config_ref)
            settings, settings_name = TreeRoot(repository, commit), f"{options.config_ref} ({commit[:_SHORT]})"
        if options.diff_base:
            commit = repository.merge_base(repository.commit(options.diff_base), repository.commit("HEAD"))
            base, base_name = (
                TreeRoot(repository, commit),
                f"the merge base with {options.diff_base} ({commit[:_SHORT]})",
            )
        yield Change(root, settings, repository, base, base_name, settings_name)


def pinned(options: argparse.Namespace, settings: Root, configuration: Configuration) -> None:
    """Refuse to go on with own policies that are not those that the options pin."""
    if not options.policy_pack_hash:
        return
    from mlguard.review.pins import check_pins  # noqa: PLC0415  (hashing is slow to import)

    folders = {folder: (settings, folder) for folder in configuration.policies}
    folders.update((written, policy_folder(written, settings)) for written in options.policies)
    check_pins(options.policy_pack_hash, folders)


def _given(options: argparse.Namespace) -> tuple[str, ...]:
    """Give the options that bear on what counts, as they were given."""
    names = (
        "diff_base",
        "config_ref",
        "baseline",
        "no_new_ignores",
        "no_ignores",
        "no_config",
        "config",
        "environment",
    )
    given = ((name, getattr(options, name, None)) for name in (*names, "fail_on", "fail_on_exposure", "unknown"))
    words = [
        f"--{name.replace('_', '-')}" if value is True else f"--{name.replace('_', '-')}={value}"
        for name, value in given
        if value not in (None, False, "", "pass")
    ]
    chosen = [f"--{name}={one}" for name in ("select", "ignore", "policies") for one in getattr(options, name)]
    return (*words, *chosen, *(f"--policy-pack-hash={one}" for one in options.policy_pack_hash))
