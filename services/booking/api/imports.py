"""Routes: visits taken over from another system, and given to one."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response, StreamingResponse

from services.booking import repository, schemas
from services.booking.api.common import actor_of, own
from services.booking.domain import files
from services.booking.domain.files import FileFormat
from services.booking.domain.imports import ImportRefused
from services.booking.resources import Resources
from services.booking.use_cases import imports
from shared.auth import Role
from shared.bodies import Moment
from shared.commands import Answer, Write
from shared.errors import Kind, Problem, invalid
from shared.web import Caller, problems

router = APIRouter(prefix="/v1", responses=problems(401, 403, 422, 503))


MEDIA: dict[FileFormat, str] = {"csv": "text/csv", "ics": "text/calendar"}
PAGE = 1_000
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {
                "schema": {"type": "string"},
                "example": "external_id,client_id,schedule_id,start,end,zone,status\n"
                "EHR-20871,0199f3a2-7c1e-7b6a-9d53-2f1f6a1c9e10,0199f3a2-7c1e-7b6a-9d53-2f1f6a1c9e11,"
                "2026-03-04T09:00,,America/New_York,booked\n",
            },
            "text/calendar": {"schema": {"type": "string"}},
        },
    }
}


@router.post(
    "/imports",
    status_code=201,
    response_model=schemas.ImportReport,
    operation_id="import_appointments",
    responses={200: {"model": schemas.ImportReport, "description": "A dry run"}, **problems(409, 413, 415)},
    openapi_extra=_BODY,
)
async def import_appointments(
    request: Request,
    command: Write,
    dry_run: Annotated[bool, Query(description="Look at every row and write nothing")] = False,
    partial: Annotated[bool, Query(description="Take over what can be; otherwise it's all or none")] = False,
    schedule_id: Annotated[UUID | None, Query(description="The schedule of the rows that name none")] = None,
) -> Response:
    """Takes over visits, past and to come, from a CSV or iCalendar file of up to 5,000 rows.

    Nobody is told of them; reminders of those to come are planned. A row whose `external_id` is here already changes
    nothing. 422 `import_refused` carries the report: each row that can't be had, and why.
    """
    principal, ours = command.principal, own(request)
    principal.require("appointments:write", Role.STAFF, Role.ADMIN)
    content, format = await request.body(), _format(request)
    # A full file takes long enough to read that others should be served meanwhile.
    read = await asyncio.to_thread(files.read, content, format, schedule_id)
    now = ours.clock()
    if dry_run:
        async with ours.database.transaction(principal.tenant) as session:
            report = schemas.ImportReport.of(await imports.preview_import(session, read=read, now=now), dry_run=True)
        return Response(report.model_dump_json(), media_type="application/json")

    async def work(session: AsyncSession) -> Answer:
        outcome = await imports.import_visits(
            session,
            tenant=principal.tenant,
            read=read,
            partial=partial,
            actor=replace(actor_of(principal), note="imported"),
            now=now,
        )
        return Answer(schemas.ImportReport.of(outcome, dry_run=False), 201)

    try:
        return await command.run(work)
    except ImportRefused as refused:
        report = schemas.ImportReport.of(refused.outcome, dry_run=True)
        refused.extra["report"] = report.model_dump(mode="json")
        raise


@router.get(
    "/exports/appointments",
    operation_id="export_appointments",
    response_class=Response,
    responses={200: {"content": {media: {"schema": {"type": "string"}} for media in MEDIA.values()}}},
)
async def export_appointments(
    request: Request,
    caller: Caller,
    format: Annotated[FileFormat, Query(description="A table, or a calendar")] = "csv",
    begin: Annotated[Moment | None, Query(alias="from", description="Visits that start then or later")] = None,
    end: Annotated[Moment | None, Query(alias="to", description="Visits that start before then")] = None,
) -> StreamingResponse:
    """Every visit by start, as a file that can be imported again unchanged; those called off too."""
    caller.require("appointments:read", Role.STAFF, Role.ADMIN)
    if begin is not None and end is not None and end <= begin:
        raise invalid("range_invalid", "`to` should be after `from`.", field="to")
    parts = _parts(own(request), caller.tenant, format, begin, end)
    headers = {"content-disposition": f'attachment; filename="appointments.{format}"', "cache-control": "no-store"}
    return StreamingResponse(parts, media_type=f"{MEDIA[format]}; charset=utf-8", headers=headers)


async def _parts(
    ours: Resources, tenant: UUID, format: FileFormat, begin: datetime | None, end: datetime | None
) -> AsyncIterator[bytes]:
    """The file in parts, each read by itself: whoever takes it in slowly keeps nobody waiting."""
    after: tuple[datetime, UUID] | None = None
    yield files.HEAD if format == "ics" else files.table([], heading=True)
    while True:
        async with ours.database.transaction(tenant) as session:
            visits = await repository.imports.page(session, begin, end, after, PAGE)
        if visits:
            yield files.events(visits) if format == "ics" else files.table(visits, heading=False)
            after = visits[-1].start, visits[-1].id
        if len(visits) < PAGE:
            break
    if format == "ics":
        yield files.TAIL


def _format(request: Request) -> FileFormat:
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    for format, media in MEDIA.items():
        if sent == media:
            return format
    came = sent or "nothing"
    told = f"The body should be a table, sent as text/csv, or a calendar, as text/calendar; it came as {came}."
    raise Problem(Kind.UNSUPPORTED, "unsupported_media_type", told, field="Content-Type")
