"""An address that somebody outside has named, taken apart and checked."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx

from shared.outside.addresses import Resolver, is_public

_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?")


class OutsideError(Exception):
    """An address that nobody goes to; the detail is a sentence that never quotes more of it than its host."""

    def __init__(
        self, code: Literal["url_invalid", "not_https", "address_forbidden", "unreachable"], detail: str
    ) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: the URL as given, and what is needed to go to one of its addresses."""

    url: str
    scheme: str
    host: str
    port: int
    trusted: bool

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == {"https": 443, "http": 80}[self.scheme] else f"{host}:{self.port}"


def target_of(url: str, insecure_hosts: frozenset[str], *, webcal: bool = False) -> Target:
    """`insecure_hosts` (host:port) may be asked over http and at private addresses.

    Raises OutsideError `url_invalid` or `not_https`.
    """
    try:
        parts = urlsplit(url)
        # The host as it goes over the wire (an international name in ASCII), which is also how certificates name it.
        read = httpx.URL(url)
        host, port = read.raw_host.decode("ascii").lower(), parts.port
    except (ValueError, httpx.InvalidURL) as error:
        raise OutsideError("url_invalid", "This should be an address such as https://…") from error
    if not (_is_address(host) or _NAME.fullmatch(host)):
        raise OutsideError("url_invalid", f"{host!r} can't be the name of a host; check the address.")
    if parts.username is not None or read.userinfo:
        raise OutsideError("url_invalid", "This should be an address with a host and without user and password.")
    scheme = parts.scheme.lower()
    if webcal and scheme == "webcal":
        scheme = "https"
    trusted = f"{host}:{port}" in insecure_hosts
    if scheme != "https" and not (trusted and scheme == "http"):
        raise OutsideError("not_https", "The address should begin with https://")
    clean = parts._replace(scheme=scheme).geturl()
    return Target(clean, scheme, host, port or (443 if scheme == "https" else 80), trusted)


def check_url(url: str, insecure_hosts: frozenset[str], *, webcal: bool = False) -> None:
    """Raises OutsideError for what can be seen without asking anybody."""
    target = target_of(url, insecure_hosts, webcal=webcal)
    if not target.trusted and _is_address(target.host) and not is_public(target.host):
        raise _forbidden(target.host)


async def address_of(target: Target, resolver: Resolver) -> str:
    """One checked address of the host; the connection goes to it, whatever the name leads to a moment later.

    Raises OutsideError `unreachable` or `address_forbidden`, or OSError.
    """
    found: Sequence[str] = [target.host] if _is_address(target.host) else await resolver(target.host, target.port)
    if not found:
        raise OutsideError("unreachable", f"{target.host} has no address.")
    if not target.trusted and not all(is_public(address) for address in found):
        raise _forbidden(target.host)
    return found[0]


def request_parts(target: Target, address: str) -> tuple[httpx.URL, dict[str, str], dict[str, Any]]:
    """URL, headers and extensions of a request that goes to this address.

    The certificate is checked for the name, though the connection goes to an address.
    """
    url = httpx.URL(target.url).copy_with(host=address, fragment=None)
    return url, {"host": target.authority}, {"sni_hostname": target.host}


def _is_address(host: str) -> bool:
    # Whatever the system's resolver reads as a number is resolved by it and then checked; this is only for literals.
    return ":" in host or host.replace(".", "").isdigit()


def _forbidden(host: str) -> OutsideError:
    return OutsideError("address_forbidden", f"{host} is not on the open internet, as this address should be.")
