"""Calendars that somebody keeps elsewhere: iCalendar feeds that can be put here and are served with an ETag."""

from hashlib import sha256

from fastapi import FastAPI, HTTPException, Request, Response

MOST_BYTES = 2_000_000


def add_calendars(app: FastAPI) -> None:
    """`PUT /calendars/<name>.ics` keeps a feed until this process ends; GET serves it."""
    kept: dict[str, bytes] = {}

    @app.put("/calendars/{name}.ics", status_code=204)
    async def put(name: str, request: Request) -> None:
        body = await request.body()
        if len(body) > MOST_BYTES:
            raise HTTPException(413, f"A calendar may have {MOST_BYTES} bytes.")
        kept[name] = body

    @app.get("/calendars/{name}.ics")
    async def get(name: str, request: Request) -> Response:
        if name not in kept:
            raise HTTPException(404, "There is no such calendar.")
        etag = f'"{sha256(kept[name]).hexdigest()[:32]}"'
        if request.headers.get("if-none-match") == etag:
            return Response(None, 304, {"etag": etag})
        return Response(kept[name], 200, {"etag": etag}, media_type="text/calendar")
