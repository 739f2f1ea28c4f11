"""HTTP to others: one client a process."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.request import getproxies

import aiohttp
import httpx
from yarl import URL

MOST_BYTES = 1_000_000
CONNECTIONS = 200
IDLE_SECONDS = 5.0
"""An idle connection is kept for no longer: who is asked may close it at any time."""
_OF_THE_WIRE = frozenset(("content-encoding", "content-length", "transfer-encoding"))
_ALWAYS = {"user-agent": "rapport", "accept": "application/json", "accept-encoding": "gzip, deflate"}
_ADDED = ("accept", "accept-encoding", "content-type", "user-agent")
"""Headers that aiohttp would add."""


class Wire(httpx.AsyncBaseTransport):
    """httpx's requests, sent by aiohttp: a request takes a third of the time (docs/decisions/0022).

    Errors are those of httpx. Only `ConnectError` and `ConnectTimeout` say that nobody can have got the request.
    """

    def __init__(self, verify: ssl.SSLContext) -> None:
        self.verify = verify
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        allowed = request.extensions["timeout"]
        with _as_httpx(request):
            answer = await self._opened().request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=request.headers.multi_items(),
                data=await request.aread() or None,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(sock_connect=allowed["connect"], sock_read=allowed["read"]),
            )
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=_Body(answer, request), request=request)

    def _opened(self) -> aiohttp.ClientSession:
        """In the loop that asks first; by the proxy that the environment names."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self.verify, limit=CONNECTIONS, keepalive_timeout=IDLE_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=_ADDED,
                trust_env=bool(getproxies()),
            )
        return self._session

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: aiohttp.ClientResponse, request: httpx.Request) -> None:
        self._answer, self._request = answer, request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx(self._request):
            async for part in self._answer.content.iter_any():
                yield part

    async def aclose(self) -> None:
        self._answer.release()


@contextmanager
def _as_httpx(request: httpx.Request) -> Iterator[None]:
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx.ConnectTimeout(str(error), request=request) from error
    except aiohttp.ClientConnectorError as error:
        raise httpx.ConnectError(str(error), request=request) from error
    except TimeoutError as error:
        raise httpx.ReadTimeout(str(error), request=request) from error
    except (aiohttp.ClientError, OSError) as error:
        raise httpx.ReadError(str(error), request=request) from error


async def ask(
    wire: httpx.AsyncBaseTransport,
    method: str,
    url: str,
    *,
    seconds: float,
    headers: Mapping[str, str],
    most: int = MOST_BYTES,
    **more: Any,
) -> httpx.Response:
    """An answer that is here within `seconds` and has `most` bytes at most; redirects are not followed.

    Raises httpx.HTTPError. httpx's own limits are for each read: who sends a byte every few seconds would be waited for
    without end. Straight to the wire: what `httpx.AsyncClient` does on the way takes as long again as the request.
    """
    timeout = httpx.Timeout(seconds, connect=seconds / 2).as_dict()
    request = httpx.Request(method, url, headers={**_ALWAYS, **headers}, extensions={"timeout": timeout}, **more)
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            answer = await wire.handle_async_request(request)
            try:
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > most:
                        raise httpx.ReadError(f"An answer of more than {most} bytes.", request=request)
            finally:
                await answer.aclose()
    except TimeoutError as error:
        raise httpx.ReadTimeout(f"No whole answer within {seconds:g} s.", request=request) from error
    told = [(name, value) for name, value in answer.headers.multi_items() if name not in _OF_THE_WIRE]
    return httpx.Response(answer.status_code, headers=told, content=bytes(body), request=request)


def open_wire(*urls: str) -> Wire:
    """What requests to these addresses go by.

    Where none of them is https, no trust store is read, which would take 3 MB; TLS then fails and never goes unchecked.
    """
    checked = any(url.startswith("https:") for url in urls)
    return Wire(httpx.create_ssl_context() if checked else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def open_http(*urls: str) -> httpx.AsyncClient:
    """A client for requests to these addresses."""
    return httpx.AsyncClient(transport=open_wire(*urls))
