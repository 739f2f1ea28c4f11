"""Applications of the tests on real ports."""

import asyncio
from functools import partial

import uvicorn
from fastapi import FastAPI

from tests.support.streams import eventually


class _Quiet(uvicorn.Server):
    def install_signal_handlers(self) -> None:
        return


async def serve(app: FastAPI, port: int) -> tuple[uvicorn.Server, "asyncio.Task[None]"]:
    """A real HTTP server in this loop."""
    server = _Quiet(uvicorn.Config(app, port=port, log_level="error", lifespan="off"))
    task = asyncio.create_task(server.serve())
    await eventually(partial(_started, server))
    return server, task


async def _started(server: uvicorn.Server) -> bool:
    return server.started
