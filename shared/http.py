"""HTTP to others: one client a process."""

import ssl

import httpx


def open_http(*urls: str) -> httpx.AsyncClient:
    """A client for requests to these addresses.

    Where none of them is https, no trust store is read, which would take 3 MB; TLS then fails and never goes unchecked.
    """
    if any(url.startswith("https:") for url in urls):
        return httpx.AsyncClient()
    return httpx.AsyncClient(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
