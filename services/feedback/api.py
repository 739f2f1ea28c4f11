"""HTTP of feedback: route → use case → schema; and the pages behind a link."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import AwareDatetime

from services.feedback import repository, schemas, use_cases
from services.feedback.domain import ALLIANCE, BARRIERS
from services.feedback.resources import Resources
from shared import paging
from shared.auth import Role
from shared.capability import Capability
from shared.contracts.feedback import Instrument
from shared.errors import Kind, Problem, invalid, not_found
from shared.pages import Pages
from shared.telemetry import continued, current_tenant
from shared.web import Caller, problems

router = APIRouter(prefix="/v1", responses=problems(401, 403, 422, 503))
pages = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
_pages = Pages(Path(__file__).parent / "pages")

AT_THE_PRACTICE = (Role.PROVIDER, Role.STAFF, Role.ADMIN, Role.APP)
LONGEST_REPORT = timedelta(days=731)


def _resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


@router.get("/clients/{client_id}/attendance", operation_id="get_attendance")
async def attendance(
    request: Request, client_id: UUID, caller: Caller, limit: paging.Limit = 50, cursor: paging.Cursor = None
) -> schemas.Attendance:
    """A client's visits and what became of them, by start."""
    caller.require("feedback:read", *AT_THE_PRACTICE, Role.CLIENT)
    if not caller.may_see_client(client_id):
        raise not_found("client")
    async with _resources(request).database.transaction(caller.tenant) as session:
        found = await repository.visits_page(session, client_id, paging.decode(cursor), limit + 1)
    items, after = paging.page(found, limit, lambda visit: (visit.start, visit.id))
    return schemas.Attendance(items=[schemas.Attended.of(item) for item in items], next=after)


@router.get("/requests", operation_id="list_requests")
async def list_requests(
    request: Request, client_id: UUID, caller: Caller, limit: paging.Limit = 50, cursor: paging.Cursor = None
) -> schemas.RequestPage:
    """What a client was asked and answered, oldest first."""
    caller.require("feedback:read", *AT_THE_PRACTICE)
    async with _resources(request).database.transaction(caller.tenant) as session:
        found = await repository.requests_page(session, client_id, paging.decode(cursor), limit + 1)
        answers = await repository.answers_of(session, (one.id for one in found))
    items, after = paging.page(found, limit, lambda one: (one.requested_at, one.id))
    return schemas.RequestPage(items=[schemas.RequestBody.of(item, answers.get(item.id)) for item in items], next=after)


@router.get("/reports/retention", operation_id="get_retention_report")
async def retention(
    request: Request,
    caller: Caller,
    begin: Annotated[AwareDatetime | None, Query(alias="from", description="90 days ago by default")] = None,
    end: Annotated[AwareDatetime | None, Query(alias="to", description="Now by default; at most 2 years later")] = None,
) -> schemas.RetentionBody:
    """Who comes back, who misses, and what outreach won back against those left alone."""
    caller.require("reports:read", *AT_THE_PRACTICE)
    now = _resources(request).clock()
    end = end or now
    begin = begin or end - timedelta(days=90)
    if not begin < end or end - begin > LONGEST_REPORT:
        raise invalid("range_invalid", "`from` should be before `to`, by two years at most.", field="from")
    async with _resources(request).database.transaction(caller.tenant) as session:
        report = await use_cases.report_retention(session, begin=begin, end=end, now=now)
    return schemas.RetentionBody.of(report, begin, end)


def _survey(request: Request, link: str) -> tuple[Capability, Instrument]:
    """What a link asks. Raises Problem `link_invalid` or `link_expired`."""
    own = _resources(request)
    instruments: tuple[Instrument, ...] = ("barrier", "alliance")
    for instrument in instruments:
        try:
            found = Capability.verify(link, own.settings.link_signing_key, instrument, own.clock())
        except Problem as problem:
            if problem.kind is not Kind.NOT_FOUND or instrument == instruments[-1]:
                raise
            continue
        current_tenant.set(found.tenant)
        return found, instrument
    raise AssertionError("unreachable: the last instrument returns or raises")


@pages.get("/s/{link}")
async def survey_page(request: Request, link: str) -> HTMLResponse:
    """One question after a miss, four after a visit; looking changes nothing."""
    own = _resources(request)
    survey, instrument = _survey(request, link)
    async with own.database.transaction(survey.tenant) as session:
        found = await repository.request(session, survey.subject, instrument)
        answers = await repository.answers_of(session, [found.id] if found else [])
        about = found or await repository.visit(session, survey.subject)
    answered = answers.get(found.id) if found else None
    remote = Capability("remote", survey.tenant, survey.subject, survey.expires).sign(own.settings.link_signing_key)
    again = Capability("visit", survey.tenant, survey.subject, survey.expires).sign(own.settings.link_signing_key)
    return _pages.render(
        f"{instrument}.html",
        base=own.settings.public_url.rstrip("/"),
        booking=own.settings.booking_public_url.rstrip("/"),
        link=link,
        barriers=BARRIERS,
        questions=ALLIANCE,
        answered=answered,
        remote=remote,
        again=again,
        write=_write_link(own, survey, about.client_id) if about else None,
    )


def _write_link(own: Resources, survey: Capability, client_id: UUID) -> str:
    """To where a client writes to the practice; it shows nothing of what was written before."""
    link = Capability("write", survey.tenant, client_id, survey.expires).sign(own.settings.link_signing_key)
    return f"{own.settings.notifications_public_url.rstrip('/')}/m/{link}"


@pages.post("/s/{link}/barrier")
async def answer_barrier(request: Request, link: str, barrier: Annotated[str, Form(max_length=40)]) -> Response:
    """Takes the one tap."""
    own = _resources(request)
    survey, instrument = _survey(request, link)
    if instrument != "barrier" or barrier not in BARRIERS:
        raise invalid("answer_unknown", "Please choose one of the answers on the page.", field="barrier")
    with continued("barrier by link", await _trace(own, survey)):
        await own.database.run(
            survey.tenant,
            lambda session: use_cases.report_barrier(
                session,
                tenant=survey.tenant,
                appointment_id=survey.subject,
                barrier=barrier,
                now=own.clock(),
            ),
        )
    return RedirectResponse(f"{own.settings.public_url.rstrip('/')}/s/{link}", 303)


@pages.post("/s/{link}/rating")
async def answer_rating(request: Request, link: str) -> Response:
    """Takes the four answers."""
    own = _resources(request)
    survey, instrument = _survey(request, link)
    form = await request.form()
    if instrument != "alliance":
        raise invalid("answer_unknown", "This link asks something else.", field="link")
    answers = {}
    for question in ALLIANCE:
        given = str(form.get(question, ""))
        if given.isdecimal() and len(given) <= 2:
            answers[question] = int(given)
    with continued("rating by link", await _trace(own, survey)):
        await own.database.run(
            survey.tenant,
            lambda session: use_cases.rate(
                session, tenant=survey.tenant, appointment_id=survey.subject, answers=answers, now=own.clock()
            ),
        )
    return RedirectResponse(f"{own.settings.public_url.rstrip('/')}/s/{link}", 303)


async def _trace(own: Resources, survey: Capability) -> str | None:
    """The visit's trace goes on here, so that ops see the answer with what led to it."""
    async with own.database.transaction(survey.tenant) as session:
        visit = await repository.visit(session, survey.subject)
    return visit.traceparent if visit else None
