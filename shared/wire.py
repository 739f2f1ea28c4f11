"""A line to others for very many requests, for a quarter of what each takes by httpx (docs/decisions/0022).

aiohttp is read when somebody is asked: it takes 6 MB, and of the API processes hardly one asks anybody.
"""

import asyncio
import json
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from urllib.request import getproxies, proxy_bypass

import httpx

if TYPE_CHECKING:
    import aiohttp
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


class Wire:
    """Requests by aiohttp, and errors of httpx.

    Only `ConnectError` and `ConnectTimeout` say that nobody can have got the request.
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
        from aiohttp import ClientTimeout  # see above
        from yarl import URL

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
                        timeout=ClientTimeout(connect=seconds / 2),
                    ) as answer:
                        async for part in answer.content.iter_any():
                            content += part
                            if len(content) > most:
                                raise httpx.ReadError(f"An answer of more than {most} bytes.")
        except TimeoutError as error:
            raise httpx.ReadTimeout(f"No whole answer within {seconds:g} s.") from error
        return Answer(answer.status, answer.headers, bytes(content))

    def _opened(self) -> "aiohttp.ClientSession":
        """In the loop that asks first."""
        if self._session is None:
            import aiohttp  # see above

            from shared.connections import Connections

            self._session = aiohttp.ClientSession(
                connector=Connections(ssl=self.verify, limit=CONNECTIONS, keepalive_timeout=IDLE_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"user-agent": "rapport"},
                skip_auto_headers=("content-type",),
            )
        return self._session

    def _proxy(self, address: "URL") -> str | None:
        """The one that the environment names."""
        if not self._proxies or proxy_bypass(address.host or ""):
            return None
        return self._proxies.get(address.scheme) or self._proxies.get("all")

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()


@contextmanager
def _as_httpx() -> Iterator[None]:
    import aiohttp  # see above

    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx.ConnectTimeout(str(error)) from error
    except (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError) as error:
        # The proxy opens no way to them: nothing has left.
        raise httpx.ConnectError(str(error)) from error
    except TimeoutError as error:
        raise httpx.ReadTimeout(str(error)) from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise httpx.ReadError(str(error)) from error
