"""Whether a message may go out now, and why not: the rules that protect people."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.model import Contact, Message, Offer, Preferences, Purpose, Sender, Visit
from services.notifications.domain.plans import new_message
from services.notifications.domain.policy import (
    PLAUSIBLE_ZONES,
    Defer,
    Refuse,
    Send,
    World,
    decide,
    next_opening,
    refusals,
)
from shared.contracts.notifications import Channel
from tests.support.build import NOW, appointment_event

SENDER = Sender("Maple", "+12025550100", "+12025550111", "hello@maple.example", "desk@maple.example")
VISIT = Visit.of(appointment_event())
CONTACT = Contact(VISIT.client_id, "sam@example.org", "+12025550123", "America/New_York")
BOTH: tuple[Channel, ...] = ("sms", "email")
NIGHT = datetime(2026, 3, 3, 4, 0, tzinfo=UTC)
"""23:00 in New York."""
MORNING = datetime(2026, 3, 3, 13, 0, tzinfo=UTC)
"""08:00 there."""


def message(purpose: Purpose = "reminder", channels: tuple[Channel, ...] = BOTH) -> Message:
    return new_message(client_id=VISIT.client_id, visit=VISIT, purpose=purpose, step="x", channels=channels, due_at=NOW)


def world(**changes: Any) -> World:
    every: frozenset[Channel] = frozenset(BOTH)
    normal = World(
        sender=SENDER,
        contact=CONTACT,
        visit=VISIT,
        offer=None,
        outreach_running=True,
        paused=False,
        consented=every,
        suppressed=False,
        texts_last_day=0,
        texts_last_week=0,
    )
    return replace(normal, **changes)


def test_a_reminder_goes_by_the_first_channel_of_its_ladder() -> None:
    assert decide(message(), world(), NOW) == Send("sms", "+12025550123")


def test_without_an_opt_in_on_record_no_text_goes_but_other_consented_channels_do() -> None:
    email_only: frozenset[Channel] = frozenset({"email"})
    assert decide(message(), world(consented=email_only), NOW) == Send("email", "sam@example.org")
    assert decide(message(channels=("sms",)), world(consented=email_only), NOW) == Refuse("no_consent", "sms")
    assert refusals(message(), world(consented=email_only), NOW) == [Refuse("no_consent", "sms")]


def test_after_stop_no_text_goes_at_all() -> None:
    assert decide(message(channels=("sms",)), world(suppressed=True), NOW) == Refuse("opted_out", "sms")


OFFER = Offer(VISIT.id, VISIT.client_id, VISIT.start, NOW + timedelta(minutes=15), "open", 1)


@pytest.mark.parametrize(
    "offer",
    [
        pytest.param(None, id="unknown"),
        pytest.param(replace(OFFER, fate="lost"), id="somebody was faster"),
        pytest.param(replace(OFFER, expires_at=NOW), id="its time has run out"),
    ],
)
def test_a_freed_time_that_is_not_to_be_had_any_more_is_not_told(offer: Offer | None) -> None:
    assert decide(message("waitlist_offer"), world(offer=OFFER), NOW) == Send("sms", "+12025550123")
    assert decide(message("waitlist_offer"), world(offer=offer), NOW) == Refuse("offer_over")


def test_a_freed_time_counts_as_a_text_and_goes_by_mail_where_one_went_already() -> None:
    assert decide(message("waitlist_offer"), world(offer=OFFER, texts_last_day=1), NOW) == Send(
        "email", "sam@example.org"
    )


def test_a_freed_time_that_is_over_before_its_client_is_awake_is_not_told() -> None:
    for expires_at in (NIGHT + timedelta(minutes=15), MORNING):
        offer = replace(OFFER, expires_at=expires_at)
        assert decide(message("waitlist_offer"), world(offer=offer), NIGHT) == Refuse("quiet_hours_until_over")
    later = replace(OFFER, expires_at=MORNING + timedelta(minutes=1))
    assert decide(message("waitlist_offer"), world(offer=later), NIGHT) == Defer(MORNING, "quiet_hours")


def test_help_is_answered_even_when_opted_out_and_at_night() -> None:
    closed = world(suppressed=True, consented=frozenset(), paused=True)
    assert decide(message("help", ("sms",)), closed, NIGHT) == Send("sms", "+12025550123")


@pytest.mark.parametrize(
    "visit", [None, replace(VISIT, status="cancelled"), replace(VISIT, sequence=2), replace(VISIT, status="noshow")]
)
def test_a_reminder_of_a_visit_that_changed_is_void(visit: Visit | None) -> None:
    assert decide(message(), world(visit=visit), NOW) == Refuse("visit_changed")


def test_a_reminder_that_had_to_wait_is_void_once_the_visit_has_begun() -> None:
    started = replace(VISIT, start=NOW)
    assert decide(message(), world(visit=started), NOW) == Refuse("visit_started")
    assert isinstance(decide(message(), world(visit=replace(VISIT, start=NOW + timedelta(seconds=1))), NOW), Send)


def test_outreach_that_ended_sends_nothing() -> None:
    assert decide(message("missed_you"), world(outreach_running=False), NOW) == Refuse("outreach_ended")


def test_a_client_in_a_persons_care_gets_no_automated_message() -> None:
    assert decide(message(), world(paused=True), NOW) == Refuse("paused_for_safety")


def test_one_automated_text_a_day_and_three_a_week_beyond_reminders() -> None:
    assert decide(message("missed_you"), world(texts_last_day=1), NOW) == Send("email", "sam@example.org")
    assert refusals(message("missed_you"), world(texts_last_day=1), NOW) == [Refuse("daily_text_cap", "sms")]
    assert refusals(message("closing"), world(texts_last_week=3), NOW) == [Refuse("weekly_text_cap", "sms")]
    assert decide(message("reminder"), world(texts_last_day=9, texts_last_week=9), NOW) == Send("sms", "+12025550123")


def test_at_night_it_waits_for_eight_in_the_clients_morning() -> None:
    assert decide(message("missed_you"), world(), NIGHT) == Defer(MORNING, "quiet_hours")


def test_who_has_just_booked_at_night_is_answered_but_nobody_is_woken_by_a_confirmation() -> None:
    booked = replace(VISIT, booked_at=NIGHT, changed_at=NIGHT, start=NIGHT + timedelta(days=3), changed_by="client")
    told = replace(message("confirmation"), due_at=NIGHT)
    assert decide(told, world(visit=booked), NIGHT + timedelta(minutes=30)) == Send("sms", "+12025550123")
    assert isinstance(decide(told, world(visit=booked), NIGHT + timedelta(minutes=31)), Defer), "held up for long"
    for_them = replace(booked, changed_by="practice")
    assert isinstance(decide(told, world(visit=for_them), NIGHT), Defer), "somebody else has booked for them"
    later = replace(told, due_at=NIGHT + timedelta(minutes=5))
    assert isinstance(decide(later, world(visit=booked), later.due_at), Defer), "planned for hours after the booking"


@pytest.mark.parametrize(
    ("phone", "zone", "opens"),
    [
        ("+442079460018", None, "2026-03-03T18:00:00+00:00"),
        ("+12025550123", None, "2026-03-03T18:00:00+00:00"),
        ("+442079460018", "America/New_York", "2026-03-03T13:00:00+00:00"),
        ("+16714721234", None, "2026-03-03T22:00:00+00:00"),
        ("+16702341234", None, "2026-03-03T22:00:00+00:00"),
        ("+16846331234", None, "2026-03-03T19:00:00+00:00"),
    ],
)
def test_who_has_a_number_abroad_may_be_there(phone: str, zone: str | None, opens: str) -> None:
    client = replace(CONTACT, phone=phone, zone=zone)
    found = decide(message("missed_you", ("email",)), world(contact=client), NIGHT)
    assert found == Defer(datetime.fromisoformat(opens), "quiet_hours")


@pytest.mark.parametrize(
    ("phone", "zone"),
    [
        ("+16714721234", "Pacific/Guam"),
        ("+16846331234", "Pacific/Pago_Pago"),
        ("+17097261234", "America/St_Johns"),
        ("+19025551234", "America/Halifax"),
        ("+8613812345678", "Asia/Shanghai"),
    ],
)
@pytest.mark.parametrize("day", [datetime(2026, 1, 14, tzinfo=UTC), datetime(2026, 7, 14, tzinfo=UTC)])
@given(minute=st.integers(0, 24 * 60 - 1))
def test_nobody_whose_number_is_from_far_away_is_written_to_at_night_there(
    phone: str, zone: str, day: datetime, minute: int
) -> None:
    now = day + timedelta(minutes=minute)
    found = decide(message("missed_you", ("email",)), world(contact=replace(CONTACT, phone=phone, zone=None)), now)
    if isinstance(found, Send):
        assert time(8) <= now.astimezone(ZoneInfo(zone)).time() < time(21)


def test_who_wishes_for_hours_before_the_day_begins_is_written_to_by_day() -> None:
    early = Preferences(VISIT.client_id, (), None, time(6), time(7))
    found = decide(message("missed_you"), world(preferences=early), NIGHT)
    assert found == Defer(datetime(2026, 3, 3, 13, 0, tzinfo=UTC), "quiet_hours"), "08:00"


@pytest.mark.parametrize(
    ("wished", "opens"),
    [
        ((time(18), time(20)), "2026-03-03T18:00"),
        ((time(6), time(9)), "2026-03-03T08:00"),
        ((time(20), time(23)), "2026-03-03T20:00"),
    ],
)
def test_where_the_hours_of_practice_and_client_have_nothing_in_common_the_clients_count_by_day(
    wished: tuple[time, time], opens: str
) -> None:
    """It is 22:30."""
    narrow, wishes = replace(SENDER, opens=time(10), closes=time(12)), Preferences(VISIT.client_id, (), None, *wished)
    opening = next_opening(narrow, [["America/New_York"]], NIGHT - timedelta(minutes=30), wishes)
    assert opening == datetime.fromisoformat(opens).replace(tzinfo=ZoneInfo("America/New_York"))


def test_where_it_is_never_day_there_and_here_the_country_of_the_number_counts() -> None:
    client = replace(CONTACT, phone="+911123456789", zone=None)
    morning = NIGHT.replace(hour=2, minute=29)
    found = decide(message("missed_you", ("email",)), world(contact=client), morning)
    assert found == Defer(morning + timedelta(minutes=1), "quiet_hours"), "08:00 in Kolkata"


def test_hours_that_never_come_in_every_zone_give_way_to_the_day() -> None:
    wishes = Preferences(VISIT.client_id, (), None, time(10), time(12))
    nowhere = replace(CONTACT, zone=None)
    found = decide(message("missed_you"), world(contact=nowhere, preferences=wishes), NIGHT)
    assert found == Defer(datetime(2026, 3, 3, 18, 0, tzinfo=UTC), "quiet_hours")


@pytest.mark.parametrize("purpose", ["answer_confirm", "answer_cancel", "check_in_thanks", "opt_in_confirmation"])
def test_a_number_that_has_stopped_texts_gets_no_thanks_either(purpose: Purpose) -> None:
    assert decide(message(purpose, ("sms",)), world(suppressed=True), NOW) == Refuse("opted_out", "sms")


def test_a_reminder_that_would_wait_past_the_start_is_dropped() -> None:
    for start in (NIGHT + timedelta(hours=2), MORNING):
        early = replace(VISIT, start=start)
        assert decide(message(), world(visit=early), NIGHT) == Refuse("quiet_hours_until_start")
    later = replace(VISIT, start=MORNING + timedelta(minutes=1))
    assert decide(message(), world(visit=later), NIGHT) == Defer(MORNING, "quiet_hours")


def test_the_day_begins_at_eight_and_is_over_at_nine_in_the_evening() -> None:
    last, zone = NIGHT - timedelta(hours=2), [["America/New_York"]]
    assert next_opening(SENDER, zone, last - timedelta(seconds=1)) == last - timedelta(seconds=1)
    assert next_opening(SENDER, zone, last) == MORNING
    assert next_opening(SENDER, zone, MORNING - timedelta(seconds=1)) == MORNING


def test_a_practice_may_narrow_the_hours_but_not_widen_them() -> None:
    narrow = replace(SENDER, opens=time(10), closes=time(12))
    assert next_opening(narrow, [["America/New_York"]], NIGHT) == datetime(2026, 3, 3, 15, 0, tzinfo=UTC)
    wide = replace(SENDER, opens=time(0), closes=time(23, 59))
    assert next_opening(wide, [["America/New_York"]], NIGHT) == datetime(2026, 3, 3, 13, 0, tzinfo=UTC)


@given(
    now=st.integers(0, 3 * 365 * 24 * 60).map(
        lambda minutes: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    zone=st.sampled_from(["America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Chatham", None]),
)
def test_whenever_and_wherever_the_next_opening_lies_in_the_recipients_day(now: datetime, zone: str | None) -> None:
    where = (zone,) if zone else PLAUSIBLE_ZONES
    opening = next_opening(SENDER, [where], now)
    assert now <= opening < now + timedelta(hours=48)
    for name in where:
        assert time(8) <= opening.astimezone(ZoneInfo(name)).time() < time(21)


@given(
    consented=st.frozensets(st.sampled_from(BOTH)),
    suppressed=st.booleans(),
    paused=st.booleans(),
    texts=st.integers(0, 4),
    purpose=st.sampled_from(["confirmation", "reminder", "missed_you", "closing", "rating_request"]),
    hour=st.integers(0, 23),
)
def test_no_text_ever_without_consent_after_stop_over_the_cap_or_in_the_night(
    consented: frozenset[Channel], suppressed: bool, paused: bool, texts: int, purpose: Purpose, hour: int
) -> None:
    now = NOW.replace(hour=hour)
    seen = world(consented=consented, suppressed=suppressed, paused=paused, texts_last_day=texts, texts_last_week=texts)
    verdict = decide(message(purpose), seen, now)
    if isinstance(verdict, Send) and verdict.channel == "sms":
        assert "sms" in consented
        assert not suppressed
        assert not paused
        if purpose not in ("confirmation", "reminder"):
            assert texts == 0
        if purpose != "confirmation":
            assert 8 <= now.astimezone(ZoneInfo("America/New_York")).hour < 21


def test_nothing_goes_out_before_the_practice_has_said_who_it_is() -> None:
    assert decide(message(), world(sender=None), NOW) == Refuse("no_sender")
    assert decide(message(), world(contact=None), NOW) == Refuse("no_contact")
    assert decide(message(channels=("sms",)), world(contact=replace(CONTACT, phone=None)), NOW) == Refuse(
        "no_address", "sms"
    )
