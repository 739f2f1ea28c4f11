"""HTTP to others: one client a process."""

import asyncio
import ssl
from typing import Any
from urllib.request import getproxies

import httpx

POOLS = 32
MOST_BYTES = 1_000_000
_OF_THE_WIRE = frozenset(("content-encoding", "content-length", "transfer-encoding"))


async def ask(
    http: httpx.AsyncClient, method: str, url: str, *, seconds: float, most: int = MOST_BYTES, **more: Any
) -> httpx.Response:
    """An answer that is here within `seconds` and has `most` bytes at most. Raises httpx.HTTPError.

    httpx's own limits are for each read: who sends a byte every few seconds would be waited for without end.
    """
    body = bytearray()
    timeout = httpx.Timeout(seconds, connect=seconds / 2)
    try:
        async with asyncio.timeout(seconds), http.stream(method, url, timeout=timeout, **more) as answer:
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > most:
                    raise httpx.ReadError(f"An answer of more than {most} bytes.", request=answer.request)
    except TimeoutError as error:
        raise httpx.ReadTimeout(f"No whole answer within {seconds:g} s.") from error
    headers = [(name, value) for name, value in answer.headers.multi_items() if name not in _OF_THE_WIRE]
    return httpx.Response(answer.status_code, headers=headers, content=bytes(body), request=answer.request)


class Spread(httpx.AsyncBaseTransport):
    """Several small pools of connections in place of a large one.

    For each request httpx looks at every connection of a pool, and asks the system about each that is idle: with thirty
    of them that takes longer than the request.
    """

    def __init__(self, verify: ssl.SSLContext) -> None:
        self._pools = [httpx.AsyncHTTPTransport(verify=verify) for _ in range(POOLS)]
        self._in_hand = [0] * POOLS

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        least = min(range(POOLS), key=self._in_hand.__getitem__)
        self._in_hand[least] += 1
        try:
            return await self._pools[least].handle_async_request(request)
        finally:
            self._in_hand[least] -= 1

    async def aclose(self) -> None:
        await asyncio.gather(*(pool.aclose() for pool in self._pools))


def open_http(*urls: str) -> httpx.AsyncClient:
    """A client for requests to these addresses.

    Where none of them is https, no trust store is read, which would take 3 MB; TLS then fails and never goes unchecked.
    Where the environment names a proxy, requests go by that.
    """
    checked = any(url.startswith("https:") for url in urls)
    verify = httpx.create_ssl_context() if checked else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.AsyncClient(verify=verify) if getproxies() else httpx.AsyncClient(transport=Spread(verify))
