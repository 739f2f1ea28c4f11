"""The console's pages of availability: who works here, and a provider's week to read and to change."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from services.availability import repository, tables
from services.availability.api.common import AT_THE_PRACTICE, commit, own, require_own_hours
from services.availability.domain.hours import WeeklyHours
from services.availability.domain.practice import Provider
from services.availability.domain.week import DAYS, monday_of, wall, zone_on
from services.availability.domain.wording import read_hours, write_clock, write_hours
from services.availability.use_cases import hours, week
from shared import paging
from shared.auth import Principal
from shared.commands import Answer, Command
from shared.console import OwnForm, Visitor, base
from shared.contracts.availability import DayHours, Window
from shared.errors import Problem, invalid
from shared.numbers import digits
from shared.pages import Pages
from shared.web import STATUS

router = APIRouter(prefix="/console", include_in_schema=False, default_response_class=HTMLResponse)
_pages = Pages(Path(__file__).parent.parent / "pages", console=True)
_pages.filters(hours=write_hours, clock=lambda at, zone: write_clock(at.astimezone(ZoneInfo(zone)).time()))

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
PROVIDERS_ON_A_PAGE = 100

Work = Callable[[AsyncSession, Mapping[str, str]], Awaitable[Any]]


@router.get("")
async def providers(request: Request, visitor: Visitor, cursor: paging.Cursor = None) -> HTMLResponse:
    """Everybody who works at the practice; each leads to their week."""
    visitor.require("schedules:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(visitor.tenant) as session:
        found = await repository.practice.page(
            session, Provider, tables.providers, paging.decode(cursor), PROVIDERS_ON_A_PAGE + 1
        )
    items, after = paging.page(found, PROVIDERS_ON_A_PAGE, lambda one: (one.created_at, one.id))
    return _pages.render("providers.html", base=base(request), providers=items, next=after)


@router.get("/providers/{provider_id}/week")
async def provider_week(
    request: Request, provider_id: UUID, visitor: Visitor, day: str = "", done: str = ""
) -> HTMLResponse:
    """The week that a date lies in, today's when none is named."""
    visitor.require("schedules:read", *AT_THE_PRACTICE)
    return await _week(request, visitor, provider_id, day, done=done)


@router.post("/providers/{provider_id}/hours", dependencies=[OwnForm])
async def set_hours(request: Request, provider_id: UUID, visitor: Visitor) -> Response:
    """Replaces the weekly hours; trips and the daily limit stay as they are."""

    async def work(session: AsyncSession, form: Mapping[str, str]) -> None:
        windows, for_new = _weekly(form, "open"), _weekly(form, "new")
        before = await repository.practice.provider(session, provider_id)
        wanted = WeeklyHours(
            windows=windows,
            new_client_windows=for_new,
            travels=before.travels,
            most_per_day=before.most_per_day,
        )
        try:
            await hours.set_hours(
                session,
                tenant=visitor.tenant,
                provider_id=provider_id,
                version=_number(form.get("version", "")),
                wanted=wanted,
                now=own(request).clock(),
            )
        except Problem as problem:
            raise _in_words(problem, windows, for_new) from problem

    return await _change(request, visitor, provider_id, "hours", work)


@router.post("/providers/{provider_id}/overrides", dependencies=[OwnForm])
async def set_override(request: Request, provider_id: UUID, visitor: Visitor) -> Response:
    """Other hours on a date; none at all closes it."""

    async def work(session: AsyncSession, form: Mapping[str, str]) -> None:
        item = DayHours(
            date=_date(form, "date"),
            windows=read_hours(_sent(form, "windows"), "windows", "Hours"),
            new_client_windows=read_hours(form.get("new_client_windows", ""), "new_client_windows", "New clients"),
        )
        await hours.set_override(
            session, tenant=visitor.tenant, provider_id=provider_id, item=item, now=own(request).clock()
        )

    return await _change(request, visitor, provider_id, "override", work)


@router.post("/providers/{provider_id}/overrides/drop", dependencies=[OwnForm])
async def drop_override(request: Request, provider_id: UUID, visitor: Visitor) -> Response:
    """The weekly hours hold again."""

    async def work(session: AsyncSession, form: Mapping[str, str]) -> None:
        await hours.drop_override(
            session,
            tenant=visitor.tenant,
            provider_id=provider_id,
            day=_date(form, "date"),
            now=own(request).clock(),
        )

    return await _change(request, visitor, provider_id, "override-dropped", work)


@router.post("/providers/{provider_id}/time-off", dependencies=[OwnForm])
async def add_time_off(request: Request, provider_id: UUID, visitor: Visitor) -> Response:
    """The provider will be away, from a local date and time to another; without times, whole days."""

    async def work(session: AsyncSession, form: Mapping[str, str]) -> None:
        provider = await repository.practice.provider(session, provider_id)
        first = _date(form, "first")
        last = _date(form, "last") if form.get("last") else first
        await hours.add_time_off(
            session,
            tenant=visitor.tenant,
            provider_id=provider_id,
            begins_at=_wall(provider, first, form, "from"),
            ends_at=_wall(provider, last, form, "until", end_of_day=True),
            now=own(request).clock(),
        )

    return await _change(request, visitor, provider_id, "time-off", work)


@router.post("/providers/{provider_id}/time-off/drop", dependencies=[OwnForm])
async def drop_time_off(
    request: Request, provider_id: UUID, visitor: Visitor, time_off_id: Annotated[UUID, Form()]
) -> Response:
    """The provider is there after all."""

    async def work(session: AsyncSession, _form: Mapping[str, str]) -> None:
        await hours.drop_time_off(
            session,
            tenant=visitor.tenant,
            provider_id=provider_id,
            time_off_id=time_off_id,
            now=own(request).clock(),
        )

    return await _change(request, visitor, provider_id, "time-off-dropped", work)


async def _change(request: Request, visitor: Principal, provider_id: UUID, what: str, work: Work) -> Response:
    """Does it once, however often the form is sent, and shows the week; what is refused is said beside the form."""
    require_own_hours(visitor, provider_id)
    form = {name: str(value) for name, value in (await request.form()).items()}
    # Before anything is written: the week that can't be shown afterwards would hide that it was.
    shown = form.get("day", "")
    _any_date(shown)
    digest = hashlib.sha256(repr(sorted(form.items())).encode())
    command = Command(
        principal=visitor,
        database=own(request).database,
        table=own(request).idempotency_keys,
        route=f"POST {request.url.path}",
        key=digest.hexdigest() if form.get("once") else None,
        body_hash=digest.digest(),
        if_match=None,
    )

    async def run(session: AsyncSession) -> Answer:
        await work(session, form)
        return Answer(None, 204)

    try:
        await commit(request, command, run)
    except Problem as problem:
        return await _week(request, visitor, provider_id, shown, problem=problem, what=what, form=form)
    return RedirectResponse(f"{base(request)}/console/providers/{provider_id}/week?day={shown}&done={what}", 303)


async def _week(
    request: Request,
    visitor: Principal,
    provider_id: UUID,
    day: str,
    *,
    done: str = "",
    problem: Problem | None = None,
    what: str = "",
    form: Mapping[str, str] | None = None,
) -> HTMLResponse:
    now = own(request).clock()
    async with own(request).database.transaction(visitor.tenant) as session:
        shown = await week.look(session, provider_id=provider_id, day=_any_date(day), now=now)
    monday = shown.days[0].date
    return _pages.render(
        "week.html",
        200 if problem is None else STATUS[problem.kind],
        base=base(request),
        provider=shown.provider,
        own_windows=shown.schedules_of_their_own,
        days=shown.days,
        monday=monday,
        before=monday - timedelta(days=DAYS),
        after=monday + timedelta(days=DAYS),
        weekdays=WEEKDAYS,
        weekly=_by_weekday(shown.provider.windows),
        weekly_new=_by_weekday(shown.provider.new_client_windows),
        may_edit=_may_edit(visitor, provider_id),
        done=done,
        problem=problem,
        what=what,
        form=form or {},
        once=uuid7(),
    )


def _may_edit(visitor: Principal, provider_id: UUID) -> bool:
    try:
        require_own_hours(visitor, provider_id)
    except Problem:
        return False
    return True


def _by_weekday(windows: tuple[Window, ...]) -> list[str]:
    return [write_hours([one for one in windows if one.weekday == day]) for day in range(DAYS)]


def _weekly(form: Mapping[str, str], prefix: str) -> list[Window]:
    """A day that isn't sent at all is no closed day. Raises Problem `field_missing` or `hours_not_understood`."""
    for day in range(DAYS):
        if f"{prefix}-{day}" not in form:
            raise invalid("field_missing", "Send every day's hours; an empty field closes it.", field=f"{prefix}-{day}")
    return [
        Window(weekday=day, start=item.start, end=item.end)
        for day, name in enumerate(WEEKDAYS)
        for item in read_hours(form[f"{prefix}-{day}"], f"{prefix}-{day}", name)
    ]


def _in_words(problem: Problem, windows: list[Window], for_new: list[Window]) -> Problem:
    """Names the weekday where the API would name a window by its number."""
    field, _, index = (problem.field or "").partition(".")
    if problem.code != "windows_overlap" or not index.isdigit():
        return problem
    prefix, of = ("open", windows) if field == "windows" else ("new", for_new)
    window = of[int(index)]
    told = f"{WEEKDAYS[window.weekday]}: {write_hours([window])} overlaps another window."
    return invalid(problem.code, told, field=f"{prefix}-{window.weekday}")


def _any_date(text: str) -> date | None:
    return monday_of(_date({"day": text}, "day")) if text else None


def _sent(form: Mapping[str, str], field: str) -> str:
    if field not in form:
        raise invalid("field_missing", "Send the hours; an empty field closes the date.", field=field)
    return form[field]


def _date(form: Mapping[str, str], field: str) -> date:
    try:
        found = date.fromisoformat(form.get(field, ""))
    except ValueError as error:
        raise invalid("date_invalid", "Choose a date.", field=field) from error
    if not 2000 <= found.year <= 2200:
        raise invalid("date_invalid", "Choose a date between 2000 and 2200.", field=field)
    return found


def _wall(provider: Provider, day: date, form: Mapping[str, str], field: str, *, end_of_day: bool = False) -> datetime:
    """A date and a time, by the clock of where the provider is; no time is the beginning of the day, or its end."""
    text = form.get(field, "")
    try:
        clock = datetime.strptime(text, "%H:%M").time() if text else time()  # noqa: DTZ007 -- a wall time has no zone
    except ValueError as error:
        raise invalid("time_invalid", "Write a time such as 14:30.", field=field) from error
    whole_day = timedelta(days=1 if end_of_day and not text else 0)
    return wall(day + whole_day, clock, zone_on(provider, day))


def _number(text: str) -> int:
    found = digits(text)
    if found is None:
        raise invalid("version_missing", "Open the page again, and change the hours there.", field="version")
    return found
