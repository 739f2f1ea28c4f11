"""The client for other services."""

import asyncio
import ssl
from collections import Counter
from typing import Any

import httpx
import pytest

from shared.http import POOLS, Spread, open_http


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def contexts(client: httpx.AsyncClient) -> list[ssl.SSLContext]:
    transport: Any = client._transport
    return [pool._pool._ssl_context for pool in getattr(transport, "_pools", [transport])]


@pytest.mark.parametrize("proxy", [None, "http://proxy.example:3128"])
@pytest.mark.parametrize(
    ("urls", "authorities"),
    [(("http://a", "http://b"), False), (("http://a", "https://b"), True), ((), False)],
)
async def test_certificates_are_always_checked_and_authorities_known_where_tls_is_spoken(
    urls: tuple[str, ...], authorities: bool, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if proxy:
        monkeypatch.setenv("https_proxy", proxy)
    async with open_http(*urls) as client:
        for tls in contexts(client):
            assert (tls.verify_mode, tls.check_hostname) == (ssl.CERT_REQUIRED, True)
            assert bool(tls.get_ca_certs()) is authorities
        assert bool(client._mounts) is bool(proxy), "requests go by the proxy that the environment names"


async def test_requests_go_where_the_fewest_are(monkeypatch: pytest.MonkeyPatch) -> None:
    spread = Spread(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    waiting, all_asked = asyncio.Event(), asyncio.Event()
    asked: Counter[int] = Counter()
    for number, pool in enumerate(spread._pools):

        async def answer(_request: httpx.Request, number: int = number) -> httpx.Response:
            asked[number] += 1
            if asked.total() == 2 * POOLS:
                all_asked.set()
            await waiting.wait()
            return httpx.Response(204)

        monkeypatch.setattr(pool, "handle_async_request", answer)
    async with httpx.AsyncClient(transport=spread) as client:
        requests = [asyncio.create_task(client.get("http://a/")) for _ in range(2 * POOLS)]
        await all_asked.wait()
        assert asked == dict.fromkeys(range(POOLS), 2)
        waiting.set()
        assert {answer.status_code for answer in await asyncio.gather(*requests)} == {204}
        await client.get("http://a/")
        assert max(asked.values()) == 3, "those that were answered are in nobody's hand any more"
