"""Placeholder until the feeds' branch is merged."""

from dataclasses import dataclass
from datetime import datetime


class FeedError(Exception):
    code: str
    detail: str
    line: int | None


@dataclass(frozen=True, slots=True)
class Fetched:
    body: bytes | None
    etag: str | None
    last_modified: str | None


class Feeds:
    def __init__(self, *, insecure_hosts: frozenset[str] = frozenset()) -> None: ...

    async def fetch(self, url: str, etag: str | None = None, last_modified: str | None = None) -> Fetched:
        raise FeedError

    async def busy(self, body: bytes, zone: str, begin: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        raise FeedError


def check_url(url: str, insecure_hosts: frozenset[str]) -> None: ...
