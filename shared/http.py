"""HTTP to others: one client a process."""

import asyncio
import ssl
from urllib.request import getproxies

import httpx

POOLS = 32


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
    """A client for requests to these addresses. Where the environment names a proxy, requests go by that."""
    verify = checking(*urls)
    return httpx.AsyncClient(verify=verify) if getproxies() else httpx.AsyncClient(transport=Spread(verify))


def checking(*urls: str) -> ssl.SSLContext:
    """How these addresses prove who they are.

    Where none of them is https, no trust store is read, which would take 3 MB; TLS then fails and never goes unchecked.
    """
    checked = any(url.startswith("https:") for url in urls)
    return httpx.create_ssl_context() if checked else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
