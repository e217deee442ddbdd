"""`mlguard suppressions`: every suppression of the code, what it hides, how old it is and whose."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from mlguard.cli.change import add_pins
from mlguard.cli.inputs import add_context, display_prefix, paths_given, relative
from mlguard.cli.judging import add_judging, scan_options
from mlguard.cli.outcome import CLEAN, UNTRUSTED, say
from mlguard.finding import Finding, Ignore, Report, number_of, sum_of
from mlguard.history import repository_of
from mlguard.record import record, replace
from mlguard.render.escape import terminal, terminal_path, unicode_text
from mlguard.render.money import range_of
from mlguard.review.authors import Author, authors_of
from mlguard.scan import scan
from mlguard.source import Root
from mlguard.source.root import root_of

_TEXT = 400


@record()
class _Row:
    """One suppression, with what it hides and, where git was asked, who wrote it and when."""

    ignore: Ignore
    path: str
    hidden: tuple[Finding, ...]
    author: Author | None

    @property
    def money(self) -> str:
        return range_of(sum_of(part for one in self.hidden for part in one.exposure))


def add_suppressions(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `mlguard suppressions`."""
    add = parser.add_argument
    add("paths", nargs="*", metavar="PATH", help="files or folders; this folder by default")
    add("--blame", action="store_true", help="ask git for the age and the author of each")
    add("--format", choices=("text", "json"), default="text")
    add_context(parser)
    add_judging(parser)
    add_pins(parser)
    parser.set_defaults(run=suppressions_command, no_ignores=False)


def suppressions_command(options: argparse.Namespace) -> int:
    """`mlguard suppressions`."""
    paths = paths_given(options.paths) or [Path()]
    root = Root(root_of(paths))
    made = scan_options(options, root, root)
    report = scan(replace(made, paths=tuple(relative(root, path) for path in paths)))
    report = replace(report, display_prefix=display_prefix(root))
    rows = _rows(report, root, blame=options.blame)
    say(_as_json(rows, report) if options.format == "json" else _as_text(rows, report))
    return UNTRUSTED if report.problems else CLEAN


def _rows(report: Report, root: Root, *, blame: bool) -> list[_Row]:
    authors: dict[tuple[str, int], Author] = {}
    with ExitStack() as stack:
        if blame:
            repository = stack.enter_context(repository_of(root.folder))
            authors = authors_of(repository, root, [one.at for one in report.ignores], report.documents)
    return [
        _Row(
            ignore,
            f"{report.display_prefix}{ignore.at.path}",
            tuple(one for one in report.findings if set(one.fingerprints) & set(ignore.hides)),
            authors.get((ignore.at.path, ignore.at.line)),
        )
        for ignore in report.ignores
    ]


def _as_text(rows: Sequence[_Row], report: Report) -> str:
    lines = [line for row in rows for line in _lines(row)]
    lines += [f"problem  {terminal(str(problem), _TEXT)}" for problem in report.problems]
    idle = sum(not row.hidden for row in rows)
    hidden = sum(len(row.hidden) for row in rows)
    counted = (
        f"{number_of(len(rows), 'suppression')}, {idle} of them hiding nothing; {number_of(hidden, 'finding')} hidden"
    )
    return "\n".join([*lines, counted]) + "\n"


def _lines(row: _Row) -> Iterator[str]:
    ignore = row.ignore
    names = ", ".join(ignore.ids) or "no policy"
    yield f"{terminal_path(row.path, _TEXT)}:{ignore.at.line}  {terminal(names, _TEXT)}"
    yield f"  {'reason':>7}: {terminal(ignore.reason, _TEXT) or 'none given'}"
    if ignore.until:
        yield f"  {'until':>7}: {terminal(ignore.until, _TEXT)}"
    hidden = sorted({f"{one.policy.id} of {one.resource or one.project}" for one in row.hidden})
    money = f" ({row.money} a month)" if row.money else ""
    yield f"  {'hides':>7}: {terminal(', '.join(hidden), _TEXT) or 'nothing'}{money}"
    if row.author is not None:
        yield f"  {'by':>7}: {terminal(row.author.said, _TEXT)}"
    for fault in ignore.faults:
        yield f"  {'wrong':>7}: {terminal(fault, _TEXT)}"


def _as_json(rows: Sequence[_Row], report: Report) -> str:
    content = {
        "version": 1,
        "suppressions": [
            {
                "path": unicode_text(row.path),
                "line": row.ignore.at.line,
                "column": row.ignore.at.column,
                "policies": [unicode_text(name) for name in row.ignore.ids],
                "reason": unicode_text(row.ignore.reason),
                "until": unicode_text(row.ignore.until) or None,
                "inline": row.ignore.inline,
                "hides": list(row.ignore.hides),
                "faults": [unicode_text(fault) for fault in row.ignore.faults],
                "author": unicode_text(row.author.name) if row.author else None,
                "commit": row.author.commit if row.author else None,
                "since": row.author.day if row.author else None,
            }
            for row in rows
        ],
        "problems": [unicode_text(str(problem)) for problem in report.problems],
    }
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=True) + "\n"
