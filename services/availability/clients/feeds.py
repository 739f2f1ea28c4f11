"""Fetching a feed: from public addresses only, within limits of time and size, and only when it has changed."""

import asyncio
import zlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from ssl import SSLContext
from urllib.parse import urljoin

import httpx
from opentelemetry.trace import SpanKind

from services.availability.clients.apart import read_apart
from services.availability.clients.errors import FeedError
from shared import outside
from shared.numbers import digits
from shared.outside import OutsideError, Resolver, Target, address_of, request_parts, resolve, target_of
from shared.telemetry import span

MAX_BYTES = 2 * 1024 * 1024
MAX_REDIRECTS = 3
CONNECT_SECONDS = 3.0
TOTAL_SECONDS = 10.0

_REDIRECTS = (301, 302, 303, 307, 308)
_GZIP = 31  # zlib's word for "with gzip's header"
_STORED = 400  # of a validator, which is the server's text


@dataclass(frozen=True, slots=True)
class Fetched:
    """A feed as it was sent; `body` None: it hasn't changed."""

    body: bytes | None
    etag: str | None
    last_modified: str | None


def check_url(url: str, insecure_hosts: frozenset[str]) -> None:
    """Raises FeedError `feed_url_invalid`, `feed_not_https` or `feed_address_forbidden` for what can be seen without
    asking anybody."""
    try:
        outside.check_url(url, insecure_hosts, webcal=True)
    except OutsideError as error:
        raise _feed_error(error) from error


class Feeds:
    """Reads iCalendar feeds. `insecure_hosts` (host:port) may be read over http and at private addresses."""

    def __init__(
        self,
        *,
        insecure_hosts: frozenset[str] = frozenset(),
        resolver: Resolver = resolve,
        tls: SSLContext | None = None,
        max_bytes: int = MAX_BYTES,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:
        self.insecure_hosts = insecure_hosts
        self.resolver = resolver
        self.max_bytes = max_bytes
        self.total_seconds = total_seconds
        self.connect_seconds = min(CONNECT_SECONDS, total_seconds)
        self._given = tls

    @cached_property
    def _tls(self) -> SSLContext:
        """Made once, and only where a feed is read: it reads every authority's certificate, which takes 3 MB.

        No variable of the environment adds any.
        """
        return self._given or httpx.create_ssl_context(trust_env=False)

    async def fetch(self, url: str, etag: str | None = None, last_modified: str | None = None) -> Fetched:
        """Fetches a feed unless it is the one with these validators. Raises FeedError."""
        asked = {"if-none-match": etag, "if-modified-since": last_modified}
        conditions = {name: value for name, value in asked.items() if value}
        host = _target(url, self.insecure_hosts).host
        with span("calendar fetch", SpanKind.CLIENT):
            try:
                async with asyncio.timeout(self.total_seconds):
                    return await self._follow(url, conditions)
            except (TimeoutError, httpx.TimeoutException) as error:
                told = f"{host} did not send its calendar within {self.total_seconds:g} seconds."
                raise FeedError("feed_timeout", told) from error
            except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
                raise FeedError("feed_unreachable", f"{host} can't be reached ({type(error).__name__}).") from error

    async def busy(self, body: bytes, zone: str, begin: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        """When a feed says that its owner is busy, in `[begin, end)`; see `reading.busy_times`. Raises
        FeedError."""
        return await read_apart(body, zone, begin, end)

    async def _follow(self, url: str, conditions: dict[str, str]) -> Fetched:
        for _ in range(MAX_REDIRECTS + 1):
            target = _target(url, self.insecure_hosts)
            address = await self._address(target)
            # A client for each place: no cookie of one reaches the next, and no connection that was opened for one
            # name (whose certificate was checked) carries a request to another that has the same address.
            # No proxy of the environment sees the address either.
            async with (
                httpx.AsyncClient(trust_env=False, verify=self._tls, follow_redirects=False) as http,
                self._request(http, target, address, conditions) as response,
            ):
                if response.status_code not in _REDIRECTS:
                    return await self._take(response, target.host, conditional=bool(conditions))
                url = _next(url, response.headers.get("location"), target.host)
        raise FeedError(
            "feed_redirects", f"The feed leads elsewhere more than {MAX_REDIRECTS} times; name its last place."
        )

    async def _address(self, target: Target) -> str:
        try:
            return await address_of(target, self.resolver)
        except OutsideError as error:
            raise _feed_error(error) from error

    def _request(self, http: httpx.AsyncClient, target: Target, address: str, conditions: dict[str, str]):  # type: ignore[no-untyped-def] # httpx's own context manager
        url, headers, extensions = request_parts(target, address)
        return http.stream(
            "GET",
            url,
            headers={
                **headers,
                "accept": "text/calendar, */*;q=0.1",
                "accept-encoding": "gzip",
                "user-agent": "Rapport calendar reader",
                **conditions,
            },
            extensions=extensions,
            timeout=httpx.Timeout(self.total_seconds, connect=self.connect_seconds),
        )

    async def _take(self, response: httpx.Response, host: str, *, conditional: bool) -> Fetched:
        status, validator = response.status_code, partial(_validator, response)
        # "Not modified" answers a question; unasked it would make an empty calendar pass for a fresh one.
        if status == 304 and conditional:
            return Fetched(None, validator("etag"), validator("last-modified"))
        if status != 200:
            hint = "the address may have been renewed" if status in (401, 403, 404, 410) else "it may pass"
            raise FeedError("feed_status", f"{host} answered {status} instead of a calendar; {hint}.")
        return Fetched(await self._body(response), validator("etag"), validator("last-modified"))

    async def _body(self, response: httpx.Response) -> bytes:
        """The body, unpacked as it comes and never further than the limit."""
        too_large = FeedError("feed_too_large", f"The feed is larger than {self.max_bytes // 1024} KiB.")
        declared = response.headers.get("content-length", "0")
        if (digits(declared) or 0) > self.max_bytes:
            raise too_large
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip", ""):
            raise FeedError("feed_encoding", f"The feed is sent as {encoding[:20]!r}, which nobody asked for.")
        unpack = zlib.decompressobj(_GZIP) if encoding == "gzip" else None
        body = bytearray()
        async for chunk in response.aiter_raw():
            try:
                body += unpack.decompress(chunk, self.max_bytes + 1 - len(body)) if unpack else chunk
            except zlib.error as error:
                raise FeedError("feed_encoding", "The feed is no gzip, though it says so.") from error
            if len(body) > self.max_bytes:
                raise too_large
            if unpack is not None and unpack.unused_data:
                raise FeedError("feed_encoding", "The feed goes on after the end of its gzip.")
        if unpack is not None and not unpack.eof:
            raise FeedError("feed_encoding", "The feed ends in the middle.")
        return bytes(body)


def _target(url: str, insecure_hosts: frozenset[str]) -> Target:
    try:
        return target_of(url, insecure_hosts, webcal=True)
    except OutsideError as error:
        raise _feed_error(error) from error


def _feed_error(error: OutsideError) -> FeedError:
    return FeedError(f"feed_{error.code}", error.detail)


def _next(url: str, location: str | None, host: str) -> str:
    """Where a redirect leads; the next hop is checked like the first."""
    if not location:
        raise FeedError("feed_redirects", f"{host} leads elsewhere without saying where.")
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise FeedError("feed_redirects", f"{host} leads to something that is no address.") from error


def _validator(response: httpx.Response, name: str) -> str | None:
    """What the next request may be conditional on; one that can't be sent back as it came is not kept."""
    value: str | None = response.headers.get(name)
    return value if value and value.isascii() and len(value) <= _STORED else None
