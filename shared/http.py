"""HTTP to others: one client a process."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from yarl import URL

MOST_BYTES = 1_000_000
CONNECTIONS = 200
IDLE_SECONDS = 5.0
"""An idle connection is kept for no longer: who is asked may close it at any time."""
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody else's server answered; the case of headers' names doesn't count."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        """Raises ValueError."""
        try:
            return json.loads(self.content)
        except RecursionError as error:
            raise ValueError("It is nested too deeply.") from error


class _Connections(aiohttp.TCPConnector):
    """Without those on which something has come that nobody asked for: it would be taken as the next one's answer."""

    async def _get(self, key: Any, traces: Any) -> Any:
        while (idle := await super()._get(key, traces)) is not None:
            if idle.protocol is not None and not idle.protocol.should_close:
                return idle
            idle.close()
        return None


class Wire(httpx.AsyncBaseTransport):
    """What requests go by: httpx's, or straight (`ask`), for a quarter of what they take by httpx
    (docs/decisions/0022).

    Errors are those of httpx. Only `ConnectError` and `ConnectTimeout` say that nobody can have got the request.
    """

    def __init__(self, verify: ssl.SSLContext) -> None:
        self.verify = verify
        self._proxies = getproxies()
        self._session: aiohttp.ClientSession | None = None

    async def ask(
        self,
        method: str,
        url: str,
        *,
        seconds: float,
        headers: Mapping[str, str] = _NOTHING,
        query: Mapping[str, str | Sequence[str]] = _NOTHING,
        form: Mapping[str, str] = _NOTHING,
        body: Mapping[str, Any] = _NOTHING,
        most: int = MOST_BYTES,
    ) -> Answer:
        """An answer that is here within `seconds` and has `most` bytes at most; `body` goes as JSON.

        Raises httpx.HTTPError. Limits of each read don't do: who sends a byte every few seconds would be waited for
        without end.
        """
        data = urlencode(form).encode() if form else json.dumps(body).encode() if body else None
        kind = "application/x-www-form-urlencoded" if form else "application/json"
        content = bytearray()
        try:
            async with asyncio.timeout(seconds):
                with _as_httpx():
                    address = URL(f"{url}?{urlencode(query, doseq=True)}" if query else url, encoded=True)
                    async with self._opened().request(
                        method,
                        address,
                        proxy=self._proxy(address),
                        headers={**headers, "content-type": kind} if data else headers,
                        data=data,
                        allow_redirects=False,
                        timeout=aiohttp.ClientTimeout(connect=seconds / 2),
                    ) as answer:
                        async for part in answer.content.iter_any():
                            content += part
                            if len(content) > most:
                                raise httpx.ReadError(f"An answer of more than {most} bytes.")
        except TimeoutError as error:
            raise httpx.ReadTimeout(f"No whole answer within {seconds:g} s.") from error
        return Answer(answer.status, answer.headers, bytes(content))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        allowed = request.extensions["timeout"]
        with _as_httpx():
            address = URL(str(request.url), encoded=True)
            answer = await self._opened().request(
                request.method,
                address,
                proxy=self._proxy(address),
                headers=request.headers.multi_items(),
                data=await request.aread() or None,
                allow_redirects=False,
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(connect=allowed["connect"], sock_read=allowed["read"]),
            )
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=_Body(answer), request=request)

    def _opened(self) -> aiohttp.ClientSession:
        """In the loop that asks first."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=_Connections(ssl=self.verify, limit=CONNECTIONS, keepalive_timeout=IDLE_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"user-agent": "rapport"},
                skip_auto_headers=("content-type",),
            )
        return self._session

    def _proxy(self, address: URL) -> str | None:
        """The one that the environment names."""
        if not self._proxies or proxy_bypass(address.host or ""):
            return None
        return self._proxies.get(address.scheme) or self._proxies.get("all")

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx():
            async for part in self._answer.content.iter_any():
                yield part

    async def aclose(self) -> None:
        self._answer.release()


@contextmanager
def _as_httpx() -> Iterator[None]:
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx.ConnectTimeout(str(error)) from error
    except aiohttp.ClientConnectorError as error:
        raise httpx.ConnectError(str(error)) from error
    except TimeoutError as error:
        raise httpx.ReadTimeout(str(error)) from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise httpx.ReadError(str(error)) from error


def open_wire(*urls: str) -> Wire:
    """What requests to these addresses go by.

    Where none of them is https, no trust store is read, which would take 3 MB; TLS then fails and never goes unchecked.
    """
    checked = any(url.startswith("https:") for url in urls)
    return Wire(httpx.create_ssl_context() if checked else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def open_http(*urls: str) -> httpx.AsyncClient:
    """A client for requests to these addresses."""
    return httpx.AsyncClient(transport=open_wire(*urls))
