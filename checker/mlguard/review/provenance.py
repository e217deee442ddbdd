"""Say by what a run judged: program, configuration, policies and prices, each with its hash or day."""

from __future__ import annotations

from collections.abc import Sequence

import mlguard
from mlguard.finding import Provenance, Report
from mlguard.knowledge.prices import price_dates
from mlguard.record import replace
from mlguard.review.pins import hash_of_files, hash_of_policies
from mlguard.scan import Options
from mlguard.source import Root


def stamped(report: Report, options: Options, settings: Root, ref: str, flags: Sequence[str]) -> Report:
    """Give the report with its provenance; `settings` is where the configuration was read, at the commit `ref`."""
    known = options.configurations.all() if options.configurations is not None else [options.configuration]
    files = tuple(dict.fromkeys(file for one in known for file in (one.files or (one.path,)) if file))
    made = Provenance(
        version=mlguard.__version__,
        configuration=", ".join(files),
        configuration_hash=hash_of_files(settings, files),
        configuration_ref=ref,
        policies=len(report.policies),
        policies_hash=hash_of_policies(report.policies),
        prices=price_dates(),
        settings=tuple(flags),
    )
    return replace(report, provenance=made)
