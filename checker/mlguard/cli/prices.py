"""What an instance type costs and why, and the check of a user's own rates."""

from __future__ import annotations

import argparse
import csv
import io
from pathlib import Path

from mlguard.cli.inputs import configuration_of
from mlguard.cli.outcome import CLEAN, say, write_report
from mlguard.errors import UsageError
from mlguard.knowledge import instances, regions
from mlguard.knowledge.prices import HOME, Price, price_date, regions_with_price
from mlguard.knowledge.rates import COLUMNS, Rates, read_rates
from mlguard.knowledge.tables import table
from mlguard.scan.selection import rates_of
from mlguard.source import Root
from mlguard.source.root import root_of
from mlguard.vocabulary.derived.machines import HOURS_PER_MONTH

_CHEAPEST = 5
_NEARLY = 0.995  # what is cheaper by less than half a per cent is no reason to move


def explained(instance_type: str, region: str, rates: Rates) -> str:
    """Give the price of an instance type in a region, how it comes about, and where it is cheaper.

    UsageError for a type or a region that has no price.
    """
    where = region or HOME
    price = rates.hourly(instance_type, where)
    if price is None:
        raise UsageError(_no_price(instance_type, where))
    lines = [
        f"{instance_type} in {where}: {_hourly(price.usd)}, ${price.usd * HOURS_PER_MONTH:,.2f} a month of 730 hours"
    ]
    lines.append(f"  {_basis(price)}")
    hardware = instances.lookup(instance_type)
    if hardware is not None:
        accelerators = f", {hardware.accelerator_count} x {hardware.accelerator}" if hardware.accelerator else ""
        lines.append(
            f"  {hardware.vcpu} vCPU, {hardware.memory_gib:g} GiB{accelerators}, {hardware.generation} generation"
        )
    lines.append(f"  source: {table('ec2_prices')['source']}")
    return "\n".join([*lines, *_elsewhere(instance_type, price, rates)]) + "\n"


def _hourly(usd: float) -> str:
    return f"${usd:,.4f} an hour"


def _basis(price: Price) -> str:
    if price.kind == "own":
        return f"your own: {price.note}"
    dated = f"prices of {price_date(price.region)}"
    if price.kind == "list":
        return f"AWS's list price, {dated}"
    return f"{price.kind}: {price.note}; {dated}"


def _no_price(instance_type: str, region: str) -> str:
    if instances.lookup(instance_type) is None:
        return f'"{instance_type}" is not an instance type that mlguard knows'
    if regions.name(region) is None:
        return f'"{region}" is not a region that mlguard knows'
    return f"no price of {instance_type} is known in {region}"


def _elsewhere(instance_type: str, price: Price, rates: Rates) -> list[str]:
    found = [rates.hourly(instance_type, region) for region in regions_with_price(instance_type)]
    cheaper = sorted((one.usd, one.region) for one in found if one is not None and one.usd < price.usd * _NEARLY)
    if not cheaper:
        return ["  no region whose price is known is cheaper"]
    rows = [f"    {region:16}{_hourly(usd):>20}  {usd / price.usd - 1:+.0%}" for usd, region in cheaper[:_CHEAPEST]]
    return [f"  cheaper in {len(cheaper)} regions:" if len(cheaper) > 1 else "  cheaper in one region:", *rows]


def imported(file: Path) -> str:
    """Check a file of rates and give it in the form that scans read; ConfigurationError where it is wrong."""
    rates = read_rates(Root(file.absolute().parent).read(file.name))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rates.rows:
        figures = ["" if figure is None else f"{figure:g}" for figure in (row.usd_per_hour, row.discount_percent)]
        writer.writerow([row.item, row.region, *figures, row.note])
    return out.getvalue()


def add_prices(parser: argparse.ArgumentParser) -> None:
    """Declare the commands of `mlguard prices`."""
    commands_of = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    show = commands_of.add_parser("show", help="show what an instance type costs, and how the figure comes about")
    show.add_argument("type", metavar="TYPE", help="for instance ml.g5.2xlarge")
    show.add_argument("--region", default="", help="us-east-1 by default")
    show.add_argument("--config", metavar="FILE", help="the configuration file, which may name your own rates")
    show.add_argument("--no-config", action="store_true", help="read no configuration file")
    show.set_defaults(run=prices_show_command)
    taken = commands_of.add_parser("import", help="check a CSV file of your own rates, and keep it for scans")
    taken.add_argument("file", metavar="FILE", help="with item, region, usd_per_hour or discount_percent, and note")
    taken.add_argument("--to", default=".mlguard.prices.csv", metavar="FILE", help=".mlguard.prices.csv by default")
    taken.set_defaults(run=prices_import_command)


def prices_show_command(options: argparse.Namespace) -> int:
    """`mlguard prices show TYPE`."""
    root = Root(root_of([Path()]))
    configuration = configuration_of(options, root)
    region = options.region or configuration.region_of("", "")
    say(explained(options.type, region, rates_of(configuration, root)))
    return CLEAN


def prices_import_command(options: argparse.Namespace) -> int:
    """`mlguard prices import FILE`."""
    write_report(imported(Path(options.file)), options.to)
    say(f"{options.to} is written; name it in .mlguard.yaml: prices: {options.to}\n")
    return CLEAN
