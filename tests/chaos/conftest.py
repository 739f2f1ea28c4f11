"""A whole system of one's own; given servers are not for killing."""

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from deploy.local.stack import Stack
from tests.support.servers import scratch


@pytest_asyncio.fixture(scope="session")
async def stack() -> AsyncIterator[Stack]:
    one = Stack(scratch("chaos"), own_servers=True)
    await asyncio.to_thread(one.__enter__)
    yield one
    await asyncio.to_thread(one.stop)
