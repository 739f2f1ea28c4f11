"""Commands over HTTP: one transaction each, repeatable by `Idempotency-Key`.

The key is claimed and the answer stored in the transaction of the work itself, so a crash leaves both
or neither. A duplicate waits for the first to commit and gets its answer; only successes are kept, a
refusal has written nothing and may turn out differently next time.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, NamedTuple

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel
from sqlalchemy import Table, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth import Principal
from shared.db import LOCK_NOT_AVAILABLE, Database, sqlstate
from shared.direct import Direct
from shared.errors import Kind, Problem, conflict, invalid
from shared.rows import bound, named
from shared.web import Caller


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command answers: a body, and the version for its ETag where the thing has one."""

    body: BaseModel | None
    status: int = 200
    version: int | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """One write request: its caller, its key and the conditions that it states."""

    principal: Principal
    database: Database
    table: Table
    route: str
    key: str | None
    body_hash: bytes
    if_match: int | None

    @property
    def version_read(self) -> int:
        """The version that a caller replaces. Raises Problem `if_match_missing` (428)."""
        if self.if_match is None:
            raise Problem(
                Kind.PRECONDITION_REQUIRED,
                "if_match_missing",
                "Send the ETag that you read as If-Match, so that nobody's change is lost.",
                field="If-Match",
            )
        return self.if_match

    async def run(self, work: Callable[[AsyncSession], Awaitable[Answer]]) -> Response:
        """Does `work` once, in one transaction, and answers; a repeated key gets the first answer again.

        Raises Problem `idempotency_key_reused` (422, other body) or `request_in_progress` (409).
        """

        async def once(session: AsyncSession) -> Response:
            if self.key is None:
                return _response(await work(session))
            statements = _statements(self.table)
            stored = await self._claim(session, statements, self.key)
            if stored is not None:
                return stored
            response = _response(await work(session))
            kept = {"status": response.status_code, "headers": _kept(response), "body": bytes(response.body)}
            await statements.keep.rows(session, named("its", self._row(self.key) | kept))
            return response

        return await self.database.run(self.principal.tenant, once)

    async def _claim(self, session: AsyncSession, statements: "_Statements", key: str) -> Response | None:
        try:
            claimed = await statements.claim.scalar(
                session, named("its", self._row(key) | {"body_hash": self.body_hash})
            )
        except DBAPIError as error:
            if sqlstate(error) == LOCK_NOT_AVAILABLE:
                raise conflict(
                    "request_in_progress", "A request with this Idempotency-Key is still running."
                ) from error
            raise
        if claimed is not None:
            return None
        columns = self.table.c
        query = select(self.table).where(*(columns[name] == value for name, value in self._row(key).items()))
        row = (await session.execute(query)).mappings().one()
        if bytes(row["body_hash"]) != self.body_hash:
            raise invalid(
                "idempotency_key_reused",
                "This Idempotency-Key came with another body before; use a new key for a new request.",
                field="Idempotency-Key",
            )
        headers = {**row["headers"], "idempotency-replayed": "true"}
        body = bytes(row["body"])
        return Response(body, row["status"], headers, media_type="application/json" if body else None)

    def _row(self, key: str) -> dict[str, Any]:
        principal = self.principal
        return {"tenant_id": principal.tenant, "principal": principal.subject, "route": self.route, "key": key}


class _Statements(NamedTuple):
    """What a key costs each request, on one table."""

    claim: Direct
    keep: Direct


@cache
def _statements(table: Table) -> _Statements:
    key = bound("its", [table.c[name] for name in ("tenant_id", "principal", "route", "key")])
    claimed = insert(table).values(key | bound("its", [table.c.body_hash]))
    kept = update(table).where(*(table.c[name] == value for name, value in key.items()))
    return _Statements(
        Direct(claimed.on_conflict_do_nothing().returning(table.c.key)),
        Direct(kept.values(bound("its", [table.c[name] for name in ("status", "headers", "body")]))),
    )


def etag(version: int) -> str:
    return f'"{version}"'


def _response(answer: Answer) -> Response:
    headers = {}
    if answer.version is not None:
        headers["etag"] = etag(answer.version)
    if answer.location is not None:
        headers["location"] = answer.location
    if answer.body is None:
        return Response(None, answer.status, headers)
    return Response(answer.body.model_dump_json().encode(), answer.status, headers, media_type="application/json")


def _kept(response: Response) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name in ("etag", "location")}


_VERSION = re.compile(r'(?:W/)?"?([0-9]{1,18})"?')


async def _command(
    request: Request,
    principal: Caller,
    idempotency_key: Annotated[
        str | None,
        Header(max_length=255, min_length=1, description="Repeating a request with the same key does it once"),
    ] = None,
    if_match: Annotated[str | None, Header(description="ETag of the version that you read")] = None,
) -> Command:
    version: int | None = None
    if if_match is not None and if_match != "*":
        digits = _VERSION.fullmatch(if_match)
        if digits is None:
            raise invalid(
                "if_match_invalid",
                'If-Match should be the ETag as it was sent, such as "3".',
                field="If-Match",
            )
        version = int(digits[1])
    resources = request.app.state.resources
    return Command(
        principal=principal,
        database=resources.database,
        table=resources.idempotency_keys,
        route=f"{request.method} {request.url.path}",
        key=idempotency_key,
        # With what is asked in the address: that is part of the request, too.
        body_hash=hashlib.sha256(f"{request.url.query}\n".encode() + await request.body()).digest(),
        if_match=version,
    )


Write = Annotated[Command, Depends(_command)]
"""The command that a write route runs its use case by."""

__all__ = ["Answer", "Command", "Write", "etag"]
