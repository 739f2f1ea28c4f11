"""A wire to a server that can fall silent, as when a host is lost without a word: connections stay, nothing comes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Wire:
    """Passes bytes on, both ways, unless it is silent; what waits meanwhile goes on afterwards."""

    def __init__(self) -> None:
        self.port = 0
        self._passes = asyncio.Event()
        self._passes.set()

    @property
    def silent(self) -> bool:
        return not self._passes.is_set()

    @silent.setter
    def silent(self, value: bool) -> None:
        if value:
            self._passes.clear()
        else:
            self._passes.set()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                await self._passes.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            pass  # the one side is gone; so is the other, below
        finally:
            writer.close()


@asynccontextmanager
async def wire(host: str, port: int) -> AsyncIterator[Wire]:
    """A wire to a server, at a port of its own."""
    one = Wire()
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(host, port)
        for pair in ((reader, back), (there, writer)):
            task = asyncio.create_task(one._pass_on(*pair))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    one.port = server.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        server.close()
        for task in tasks:
            task.cancel()
