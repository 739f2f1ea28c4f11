"""`python -m deploy.local.receivers <folder> <http port> <smtp port>`; account and token from the environment."""

import asyncio
import base64
import binascii
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl

import httpx
import uvicorn
from aiosmtpd.smtp import SMTP
from fastapi import Body, FastAPI, Form, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from deploy.local.ports import HOST
from deploy.local.receivers.calendars import add_calendars
from deploy.local.receivers.carrier import Carrier, Refused
from deploy.local.receivers.page import render
from deploy.local.receivers.smtp import Handler
from deploy.local.receivers.store import Message, Store


def create_app(folder: Path | None, smtp_port: int, account: str, token: str, inbound_url: str = "") -> FastAPI:
    """The receivers as one application; its lifespan runs the mail server too."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        store = Store(folder / "messages.jsonl" if folder else None)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(Handler(store), enable_SMTPUTF8=True), HOST, smtp_port)
        async with httpx.AsyncClient() as http:
            app.state.carrier = Carrier(store, account, token, http, inbound_url)
            app.state.smtp_port = server.sockets[0].getsockname()[1]
            yield
        server.close()

    app = FastAPI(title="Receivers", lifespan=lifespan, docs_url=None, redoc_url=None)
    _add_carrier(app)
    _add_views(app)
    add_calendars(app)
    return app


def _add_carrier(app: FastAPI) -> None:
    async def send(request: Request) -> JSONResponse:
        carrier: Carrier = app.state.carrier
        account, kind = request.path_params["account"], request.path_params["kind"]
        if kind not in ("Messages", "Calls"):
            return JSONResponse({"code": 20404, "message": "The requested resource was not found"}, 404)
        form = dict(parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True))
        try:
            carrier.check(account, *_basic(request.headers.get("authorization", "")))
            channel: Literal["sms", "voice"] = "sms" if kind == "Messages" else "voice"
            message = await carrier.take(form, request.headers.get("i-twilio-idempotency-token"), channel)
        except Refused as refusal:
            body = {"code": refusal.code, "message": refusal.message, "status": refusal.status}
            return JSONResponse(body, refusal.status)
        answer = {
            "sid": message.id,
            "account_sid": account,
            "to": message.to,
            "from": message.sender,
            "body": message.text,
            "status": "queued",
            "direction": "outbound-api",
            "error_code": None,
            "error_message": None,
        }
        return JSONResponse(answer, 201)

    @app.get("/2010-04-01/Accounts/{account}/{kind}.json")
    async def listed(
        request: Request,
        account: str,
        kind: Literal["Messages", "Calls"],
        to: Annotated[str, Query(alias="To")] = "",
        sender: Annotated[str, Query(alias="From")] = "",
        size: Annotated[int, Query(alias="PageSize", ge=1, le=1000)] = 50,
    ) -> JSONResponse:
        """What was taken, the newest first."""
        carrier: Carrier = app.state.carrier
        try:
            carrier.check(account, *_basic(request.headers.get("authorization", "")))
        except Refused as refusal:
            return JSONResponse({"code": refusal.code, "message": refusal.message}, refusal.status)
        found = carrier.store.find(to=to, channel="sms" if kind == "Messages" else "voice")
        ours = [one for one in reversed(found) if one.direction == "out" and sender in ("", one.sender)]
        items = [
            {
                "sid": one.id,
                "to": one.to,
                "from": one.sender,
                "body": one.text,
                "status": one.status,
                "direction": "outbound-api",
                "date_created": format_datetime(datetime.fromisoformat(one.at)),
            }
            for one in ours[:size]
        ]
        return JSONResponse({kind.lower(): items})

    # Without FastAPI's reading of parameters: of what is due at once each takes a while of the same cores.
    app.add_route("/2010-04-01/Accounts/{account}/{kind}.json", send, methods=["POST"])

    @app.get("/2010-04-01/Accounts/{account}/{kind}/{sid}.json")
    async def look_up(request: Request, account: str, kind: Literal["Messages", "Calls"], sid: str) -> JSONResponse:
        carrier: Carrier = app.state.carrier
        try:
            carrier.check(account, *_basic(request.headers.get("authorization", "")))
        except Refused as refusal:
            return JSONResponse({"code": refusal.code, "message": refusal.message}, refusal.status)
        message = carrier.store.by_id(sid)
        if message is None or message.channel != ("sms" if kind == "Messages" else "voice"):
            return JSONResponse({"code": 20404, "message": "The requested resource was not found"}, 404)
        error = 30003 if message.status == "undelivered" else None
        return JSONResponse({"sid": sid, "status": message.status, "error_code": error})

    @app.put("/api/sms/inbound-url", status_code=204)
    async def set_inbound(url: Annotated[str, Body(embed=True)]) -> None:
        app.state.carrier.inbound_url = url

    @app.post("/api/sms/{sid}/reply", status_code=201)
    async def reply(sid: str, body: Annotated[str, Body(embed=True)]) -> dict[str, Any]:
        return (await _reply(app, sid, body)).public()

    @app.post("/reply/{sid}")
    async def reply_form(sid: str, body: Annotated[str, Form()]) -> RedirectResponse:
        await _reply(app, sid, body)
        return RedirectResponse("/", 303)


async def _reply(app: FastAPI, sid: str, body: str) -> Message:
    carrier: Carrier = app.state.carrier
    answered = carrier.store.by_id(sid)
    if answered is None or answered.channel != "sms":
        raise HTTPException(404, "There is no such text.")
    return await carrier.reply(answered, body)


def _add_views(app: FastAPI) -> None:
    @app.get("/api/messages")
    async def messages(
        to: str = "", channel: str = "", contains: str = "", after: str = ""
    ) -> dict[str, list[dict[str, Any]]]:
        found = app.state.carrier.store.find(to=to, channel=channel, contains=contains, after=after)
        return {"items": [one.public() for one in found]}

    @app.get("/api/messages/recipients")
    async def recipients(channel: str = "", after: str = "") -> dict[str, Any]:
        """How many messages each has had, and when the first one came: short where there are very many."""
        found = [one for one in app.state.carrier.store.find(channel=channel, after=after) if one.direction == "out"]
        return {"first_at": found[0].at if found else None, "recipients": Counter(one.to for one in found)}

    @app.get("/api/messages/wait")
    async def wait(
        to: str = "",
        channel: str = "",
        contains: str = "",
        after: str = "",
        timeout: Annotated[float, Query(gt=0, le=120)] = 30,
    ) -> dict[str, Any]:
        found = await app.state.carrier.store.wait(timeout, to=to, channel=channel, contains=contains, after=after)
        if found is None:
            raise HTTPException(404, "No such message came in time.")
        public: dict[str, Any] = found.public()
        return public

    @app.get("/", response_class=HTMLResponse)
    async def page() -> HTMLResponse:
        return HTMLResponse(render(app.state.carrier.store.messages))


def _basic(header: str) -> tuple[str, str]:
    try:
        user, _, password = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password


def main() -> None:
    folder, port, smtp_port = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    environment = os.environ
    app = create_app(
        folder,
        smtp_port,
        environment["RECEIVERS_SMS_ACCOUNT_SID"],
        environment["RECEIVERS_SMS_AUTH_TOKEN"],
        environment.get("RECEIVERS_SMS_INBOUND_URL", ""),
    )
    uvicorn.run(app, host=HOST, port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
