"""Which addresses a service goes to when somebody outside names one: public ones, whatever form they are written in.

Nobody must be able to make a service reach what only this service can reach.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Resolver = Callable[[str, int], Awaitable[list[str]]]
"""host, port → every address of the host."""

# Addresses that carry an IPv4 address, which somebody's gateway would unpack.
_CARRIERS = tuple(
    IPv6Network(text)
    for text in (
        "::/96",  # IPv4-compatible, deprecated (RFC 4291)
        "::ffff:0:0/96",  # IPv4-mapped
        "64:ff9b::/96",  # NAT64 (RFC 6052)
        "64:ff9b:1::/48",  # NAT64 with a local prefix (RFC 8215)
        "2001::/32",  # Teredo
        "2002::/16",  # 6to4
    )
)
# Special-purpose blocks that some versions of the standard library still take for global ones. All that is public
# in IPv6 lies in 2000::/3.
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_SPECIAL_V6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments (RFC 2928)
        "2001:db8::/32",  # documentation (RFC 3849)
        "2620:4f:8000::/48",  # AS112, answered by whoever is near (RFC 7534)
        "3fff::/20",  # documentation (RFC 9637)
    )
)
_SPECIAL_V4 = tuple(
    IPv4Network(text)
    for text in (
        "100.64.0.0/10",  # carriers' NAT (RFC 6598)
        "168.63.129.16/32",  # Azure's own server within each of its networks, for metadata and health
        "192.0.0.0/24",  # protocol assignments (RFC 6890)
        "192.31.196.0/24",  # AS112 (RFC 7535)
        "192.52.193.0/24",  # AMT (RFC 7450)
        "192.88.99.0/24",  # relays of 6to4, deprecated (RFC 7526)
        "192.175.48.0/24",  # AS112 (RFC 7534)
    )
)


def is_public(address: str) -> bool:
    """True for an address of the open internet; False for anything private, special, or not an address."""
    try:
        found = ip_address(address.split("%", 1)[0])
    except ValueError:
        return False
    if isinstance(found, IPv4Address):
        return _is_global(found) and not any(found in network for network in _SPECIAL_V4)
    special = any(found in network for network in (*_CARRIERS, *_SPECIAL_V6))
    return found in _GLOBAL_UNICAST and not special and _is_global(found)


def _is_global(found: IPv4Address | IPv6Address) -> bool:
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)


async def resolve(host: str, port: int) -> list[str]:
    """Every address of a host, by the system's resolver. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))
