"""Mails bring a visit into its client's calendar, move it and take it out."""

from datetime import timedelta
from typing import Any

import pytest
from icalendar import Calendar

from shared.contracts.booking import (
    AppointmentCancelled,
    AppointmentEnteredInError,
    AppointmentRescheduled,
)
from tests.notifications.conftest import Practice
from tests.notifications.visits import visit

pytestmark = pytest.mark.servers


def calendar_of(practice: Practice, number: int) -> tuple[str, Any]:
    """What the calendar file of the client's mail is for, and the visit in it."""
    mail = practice.outside.carrier.store.find(to=practice.email, channel="email")[number]
    found = Calendar.from_ical(mail.calendar)
    [event] = found.walk("VEVENT")
    return str(found["METHOD"]), event


async def test_mails_bring_the_visit_into_the_clients_calendar_move_it_and_take_it_out(practice: Practice) -> None:
    """One UID, a rising SEQUENCE, and a title that says nothing."""
    await practice.open("email")
    booked = await visit(practice)
    moved = AppointmentRescheduled.model_validate(
        booked.model_dump()
        | {"sequence": 2, "start": booked.start + timedelta(days=1), "end": booked.end + timedelta(days=1)}
    )
    gone = AppointmentCancelled.model_validate(moved.model_dump() | {"sequence": 3, "status": "cancelled"})
    told = []
    for number, event in enumerate((booked, moved, gone)):
        await practice.follow(event)
        await practice.fire_due()
        told.append(calendar_of(practice, number))
    assert [method for method, _ in told] == ["REQUEST", "REQUEST", "CANCEL"]
    assert [int(event["SEQUENCE"]) for _, event in told] == [1, 2, 3]
    assert {str(event["UID"]) for _, event in told} == {f"{booked.appointment_id}@rapport"}
    assert [event["DTSTART"].dt for _, event in told] == [
        one.start.replace(microsecond=0) for one in (booked, moved, moved)
    ]
    assert {str(event["SUMMARY"]) for _, event in told} == {"Appointment"}
    assert [str(event["STATUS"]) for _, event in told] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert {str(event["ATTENDEE"]) for _, event in told} == {f"mailto:{practice.email}"}
    assert {str(event["ORGANIZER"]) for _, event in told} == {"mailto:hello@maple.example"}
    assert "is cancelled; nobody expects you" in practice.outside.mails(practice.email)[-1]


async def test_a_visit_that_is_called_off_after_it_began_is_no_news_to_its_client(practice: Practice) -> None:
    await practice.open("email")
    now = await practice.now()
    booked = await visit(practice, start=now - timedelta(minutes=5), booked_at=now - timedelta(days=1))
    gone = AppointmentCancelled.model_validate(booked.model_dump() | {"sequence": 2, "status": "cancelled"})
    await practice.follow(booked, gone)
    assert "cancellation" not in [one["purpose"] for one in await practice.messages()]


async def test_a_visit_entered_in_error_leaves_the_clients_calendar_and_no_reminder_goes(practice: Practice) -> None:
    await practice.open("sms", "email")
    booked = await visit(practice)
    await practice.follow(booked)
    await practice.fire_due()
    wrong = AppointmentEnteredInError.model_validate(
        booked.model_dump() | {"sequence": 2, "status": "entered-in-error"}
    )
    await practice.follow(wrong)
    await practice.fire_due()
    method, event = calendar_of(practice, 1)
    assert (method, str(event["STATUS"])) == ("CANCEL", "CANCELLED")
    assert {one["status"] for one in await practice.messages() if one["purpose"] == "reminder"} == {"not_sent"}
