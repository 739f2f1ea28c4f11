"""An act of its own: a client looks for an evening, and a provider's other calendar takes one of them away."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from deploy.local.demo.actors import Caller
from deploy.local.demo.timeline import Timeline

EVENING_BEGINS = 17
WORKS = [{"weekday": day, "start": "12:00:00", "end": "20:30:00"} for day in range(7)]
INTAKE = {
    "name": "Intake",
    "duration": "PT50M",
    "buffer_after": "PT10M",
    "step": "PT30M",
    "minimum_notice": "PT2H",
    "horizon": "P14D",
    "intake": True,
}
Until = Callable[[str, Callable[[], Awaitable[Any]]], Awaitable[tuple[Any, float]]]


async def see_evenings(
    staff: Caller, client: Caller, http: httpx.AsyncClient, receivers: str, zone: str, time: Timeline, until: Until
) -> None:
    """Raises DemoFailed at the first check that doesn't hold."""
    provider, kind = await _open(staff, zone)
    now = datetime.now(UTC)
    query = {
        "appointment_type": kind,
        "from": now.isoformat(),
        "to": (now + timedelta(days=14)).isoformat(),
        "time_of_day": "evening",
        "zone": zone,
        "limit": "200",
    }

    async def evenings() -> list[datetime]:
        found = await client.call("GET", "availability", "/v1/slots", params=query)
        return [datetime.fromisoformat(item["start"]).astimezone(ZoneInfo(zone)) for item in found["items"]]

    starts = await evenings()
    time.check(starts, "there are free evenings")
    time.check(all(start.hour >= EVENING_BEGINS for start in starts), "evenings are those of the client's zone")
    # Not today's first, which may be too soon to book a moment later, with no calendar's doing.
    taken = next(start for start in starts if start.date() > starts[0].date())
    time.step("client", f"finds {len(starts)} free evening times of two weeks", note=f"one {taken:%A %H:%M} there")
    feed = f"{receivers}/calendars/{provider}.ics"
    (await http.put(feed, content=_calendar(taken, zone))).raise_for_status()
    body = {"name": "Hospital rota", "url": feed, "refresh_every": "PT1S", "stale_after": "PT1H"}
    path = f"/v1/providers/{provider}/calendars"
    calendar = await staff.call("POST", "availability", path, expect=201, json=body)

    async def gone() -> list[datetime] | None:
        found = await evenings()
        return found if taken not in found else None

    left, took = await until("the other calendar's evening is not offered", gone)
    next_week = taken + timedelta(days=7)
    time.check(next_week in left, "a week later it is: the rota has an exception there")
    fresh = await staff.call("GET", "availability", f"{path}/{calendar['id']}")
    time.check(fresh["fetched_at"] and not fresh["stale"], "the calendar is fresh")
    time.step("availability", "reads the provider's other calendar; that evening is gone", latency=took)
    asked = {"provider": provider, "start": taken.astimezone(UTC).isoformat()}
    told = await staff.call("GET", "availability", "/v1/slots/explain", params=asked)
    reasons = [reason["detail"] for item in told["items"] for reason in item["reasons"]]
    time.check(any("calendar" in reason for reason in reasons), "it says why that time is not offered")
    time.step("availability", "explains why", note=reasons[0])


async def _open(staff: Caller, zone: str) -> tuple[str, str]:
    """A second provider, with weekly hours and a kind of visit that can be booked two weeks ahead."""
    call = staff.call
    provider = await call(
        "POST", "availability", "/v1/providers", expect=201, json={"name": "Dr. Ben Sato", "zone": zone}
    )
    path = f"/v1/providers/{provider['id']}/hours"
    await call("PUT", "availability", path, json={"windows": WORKS}, headers={"if-match": '"1"'})
    kind = await call("POST", "availability", "/v1/appointment-types", expect=201, json=INTAKE)
    place = {"name": "Second floor", "zone": zone, "modality": "in_person"}
    location = await call("POST", "availability", "/v1/locations", expect=201, json=place)
    schedule = {
        "provider_id": provider["id"],
        "appointment_type_id": kind["id"],
        "location_id": location["id"],
    }
    await call("POST", "availability", "/v1/schedules", expect=201, json=schedule)
    return provider["id"], kind["id"]


def _calendar(start: datetime, zone: str) -> str:
    """Busy for an hour each week from `start` on, but for the week after."""
    wall = "%Y%m%dT%H%M%S"
    exception = (start.replace(tzinfo=None) + timedelta(days=7)).strftime(wall)
    lines = (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Rapport//Demo//EN",
        "BEGIN:VEVENT",
        "UID:rota@example.org",
        f"DTSTAMP:{datetime.now(UTC):%Y%m%dT%H%M%SZ}",
        f"DTSTART;TZID={zone}:{start:{wall}}",
        "DURATION:PT1H",
        "RRULE:FREQ=WEEKLY",
        f"EXDATE;TZID={zone}:{exception}",
        "SUMMARY:On call",
        "END:VEVENT",
        "END:VCALENDAR",
    )
    return "".join(f"{line}\r\n" for line in lines)
