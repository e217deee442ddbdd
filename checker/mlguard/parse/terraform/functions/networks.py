"""Addresses of networks and hosts."""

from __future__ import annotations

import ipaddress
import re

from mlguard.parse.terraform.failure import FailureError
from mlguard.parse.terraform.functions.signature import Function, Run, function, known
from mlguard.parse.terraform.values import whole

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_MOST_BITS = 32
_LEADING_ZEROS = re.compile(r"(?<![\d/])0+(?=\d)")


def _network(prefix: str) -> Network:
    if "/" not in prefix or "%" in prefix or not prefix.rpartition("/")[2].isdecimal():
        raise FailureError("a network such as 10.0.0.0/16 was expected")
    try:
        return ipaddress.ip_network(_LEADING_ZEROS.sub("", prefix) if ":" not in prefix else prefix, strict=False)
    except ValueError:
        raise FailureError("a network such as 10.0.0.0/16 was expected") from None


def _address(network: Network, number: int) -> str:
    return str(type(network.network_address)(number))


def _cidrhost(prefix: str, hostnum: object) -> str:
    network, count = _network(prefix), whole(hostnum)
    if not -network.num_addresses <= count < network.num_addresses:
        raise FailureError("the network does not hold that host")
    return _address(network, int(network.network_address) + count % network.num_addresses)


def _cidrnetmask(prefix: str) -> str:
    network = _network(prefix)
    if isinstance(network, ipaddress.IPv6Network):
        raise FailureError("IPv6 has no netmasks")
    return str(network.netmask)


def _longer(network: Network, newbits: object) -> int:
    bits = whole(newbits)
    if bits < 0 or network.prefixlen + bits > network.max_prefixlen:
        raise FailureError("the network cannot be split that far")
    return network.prefixlen + bits


def _cidrsubnet(prefix: str, newbits: object, netnum: object) -> str:
    network, count = _network(prefix), whole(netnum)
    length = _longer(network, newbits)
    if abs(count) >> (length - network.prefixlen):
        raise FailureError("the network does not hold that subnet")
    address = abs(int(network.network_address) | (count << (network.max_prefixlen - length)))  # a quirk below zero
    return f"{_address(network, address)}/{length}"


def _cidrsubnets(prefix: str, *newbits: object) -> list[str]:
    network = _network(prefix)
    position, found = int(network.network_address), []
    for bits in newbits:
        length = _longer(network, bits)
        if not 1 <= length - network.prefixlen <= _MOST_BITS:
            raise FailureError("one to 32 bits were expected")
        size = 1 << (network.max_prefixlen - length)
        position = -(-position // size) * size
        if position + size > int(network.network_address) + network.num_addresses:
            raise FailureError("the network does not hold all of these subnets")
        found.append(f"{_address(network, position)}/{length}")
        position += size
    return found


def _cidrcontains(prefix: str, other: str) -> bool:
    network = _network(prefix)
    try:
        inner = _network(other) if "/" in other else ipaddress.ip_network(other)
    except ValueError:
        raise FailureError("an address or a network was expected") from None
    if inner.version != network.version:
        raise FailureError("an IPv4 and an IPv6 address")
    return (
        int(network.network_address)
        <= int(inner.network_address)
        <= int(network.broadcast_address)
        >= int(inner.broadcast_address)
    )


_TABLE: tuple[tuple[str, str, Run], ...] = (
    ("cidrcontains", "string string -> bool", known(_cidrcontains)),
    ("cidrhost", "string number -> string", known(_cidrhost)),
    ("cidrnetmask", "string -> string", known(_cidrnetmask)),
    ("cidrsubnet", "string number number -> string", known(_cidrsubnet)),
    ("cidrsubnets", "string number* -> list(string)", known(_cidrsubnets)),
)
NETWORKS: dict[str, Function] = {name: function(name, signature, run) for name, signature, run in _TABLE}
