"""Which addresses a feed may be fetched from: public ones, whatever form they are written in.

Somebody who names a feed must not be able to make this service read what only this service can reach.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

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


def is_public(address: str) -> bool:
    """True for an address of the open internet; False for anything private, special, or not an address."""
    try:
        found = ip_address(address.split("%", 1)[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and any(found in network for network in _CARRIERS):
        return False
    return _is_global(found)


def _is_global(found: IPv4Address | IPv6Address) -> bool:
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)


async def resolve(host: str, port: int) -> list[str]:
    """Every address of a host, by the system's resolver. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))
