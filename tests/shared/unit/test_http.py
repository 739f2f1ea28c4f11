"""The client for other services."""

import ssl
from typing import Any

import httpx
import pytest

from shared.http import open_http


def context(client: httpx.AsyncClient) -> ssl.SSLContext:
    transport: Any = client._transport
    found: ssl.SSLContext = transport._pool._ssl_context
    return found


@pytest.mark.parametrize(
    ("urls", "authorities"),
    [(("http://a", "http://b"), False), (("http://a", "https://b"), True), ((), False)],
)
async def test_certificates_are_always_checked_and_authorities_known_where_tls_is_spoken(
    urls: tuple[str, ...], authorities: bool
) -> None:
    async with open_http(*urls) as client:
        tls = context(client)
        assert (tls.verify_mode, tls.check_hostname) == (ssl.CERT_REQUIRED, True)
        assert bool(tls.get_ca_certs()) is authorities
