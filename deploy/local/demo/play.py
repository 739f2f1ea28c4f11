"""The loop, act by act: book, remind, miss, reach out, ask why, remove the barrier, rebook, keep, rate, report."""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx

from deploy.local.demo import trace, world
from deploy.local.demo.actors import Browser, Caller, Mailbox, first, link_in
from deploy.local.demo.conversation import have_a_conversation
from deploy.local.demo.evenings import see_evenings
from deploy.local.demo.timeline import DemoFailed, Timeline
from deploy.local.demo.waitlist import fill_a_cancellation

NAME = "Sam Rivera"
OUTREACH = ("missed_you", "barrier_question", "remote_offer", "other_times", "closing")


@dataclass
class Stage:
    """Where the demo plays: addresses of the running system, and a way to get tokens."""

    urls: dict[str, str]
    receivers: str
    zipkin: str | None
    token: Callable[..., str]
    timeline: Timeline
    practice: str = field(default_factory=lambda: str(uuid4()))
    trace_id: str = ""
    spans: list[trace.Span] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)


async def play(stage: Stage) -> None:
    """Plays the whole loop. Raises DemoFailed at the first check that doesn't hold."""
    async with httpx.AsyncClient(timeout=15) as http:
        await _Loop(stage, http).run()


class _Loop:
    def __init__(self, stage: Stage, http: httpx.AsyncClient) -> None:
        self.stage = stage
        self.time = stage.timeline
        token = stage.token(role="admin", practice=stage.practice)
        self.staff = Caller(http, stage.urls, token)
        self.mailbox = Mailbox(http, stage.receivers)
        self.browser = Browser(http)
        self.http = http
        self.phone = f"+1202555{secrets.randbelow(9000) + 1000:04d}"
        if self.phone.endswith("0000"):
            self.phone = "+12025550123"
        self.email = f"client-{secrets.token_hex(4)}@example.org"
        self.zone = world.daytime_zone(datetime.now(UTC))

    async def run(self) -> None:
        await self._open_practice()
        await see_evenings(self.staff, self.staff, self.http, self.stage.receivers, self.zone, self.time, self._until)
        booked = await self._book()
        await self._see_reminders(booked)
        missed = await self._stay_away(booked)
        offer_link = await self._answer_outreach(missed)
        rebooked = await self._rebook(offer_link)
        outreach = await self._see_outreach_end(rebooked)
        await self._keep_visit(rebooked)
        await self._rate(rebooked)
        await self._ask_for_help()
        await self._see_silence(outreach)
        await self._see_report(booked, rebooked)
        await fill_a_cancellation(
            self.staff, self.browser, self.mailbox, self.type_id, self.zone, self.time, self._until
        )
        await have_a_conversation(self.staff, self.mailbox, self.type_id, self.zone, self.time, self._until)
        await self._see_explanation()
        await self._see_trace()

    async def _until(self, what: str, look: Callable[[], Awaitable[Any]], seconds: float = 20) -> tuple[Any, float]:
        """Looks again and again until there is something; returns it and how long it took."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while loop.time() - began < seconds:
            found = await look()
            if found:
                return found, loop.time() - began
            await asyncio.sleep(0.1)
        raise DemoFailed(f"{what}: not seen within {seconds:.0f} s")

    async def _open_practice(self) -> None:
        call = self.staff.call
        practice = self.stage.practice
        await call("PUT", "availability", f"/v1/practices/{practice}", json={"name": "Maple", "zone": self.zone})
        provider = await call(
            "POST", "availability", "/v1/providers", expect=201, json={"name": "Dr. Ada Okoro", "zone": self.zone}
        )
        kind = await call("POST", "availability", "/v1/appointment-types", expect=201, json=world.appointment_type())
        self.type_id = kind["id"]
        for modality in ("in_person", "telehealth"):
            location = await call(
                "POST",
                "availability",
                "/v1/locations",
                expect=201,
                json={"name": modality, "zone": self.zone, "modality": modality},
            )
            await call(
                "POST",
                "availability",
                "/v1/schedules",
                expect=201,
                json={
                    "provider_id": provider["id"],
                    "appointment_type_id": self.type_id,
                    "location_id": location["id"],
                    "windows": world.all_week(),
                },
            )
        sender = {
            "name": "Maple",
            "phone": "+12025550100",
            "sms_from": "+12025550111",
            "email_from": "hello@maple.example",
            "alert_email": "desk@maple.example",
        }
        await call("PUT", "notifications", "/v1/sender", json=sender)
        policy = {"late_within": "P1D", "self_booking": "anyone"}
        await call("PUT", "booking", "/v1/policy", json=policy, headers={"if-match": '"0"'})
        await call("POST", "notifications", "/v1/reminder-plans", expect=201, json=world.reminder_plan())
        await call("POST", "notifications", "/v1/outreach-flows", expect=201, json=world.outreach_flow())
        local = datetime.now(ZoneInfo(self.zone))
        self.time.step("practice", "publishes its hours, reminder plan and outreach flow", note=f"{local:%H:%M} there")

    async def _book(self) -> dict[str, Any]:
        """By the practice's own page, as somebody who has never been there."""

        async def kinds() -> str | None:
            # Booking learns schedules from Kafka, a moment after they are published.
            page = await self.browser.open(f"{self.stage.urls['booking']}/book/{self.stage.practice}")
            found = re.search(rf'href="([^"]+/times\?[^"]*type={self.type_id}[^"]*)"', page)
            return found and found.group(1).replace("&amp;", "&")

        times, took = await self._until("the page offers the practice's kinds of visit", kinds, 10)
        self.time.step("client", "opens the practice's page to book", latency=took)
        page = await self.browser.open(f"{times}&modality=in_person")
        free = re.findall(r'name="slot" value="([^"]+)" aria-label="([^"]+)"', page)
        self.time.check(len(free) > world.CHOICE, "the page offers times")
        slot, label = free[world.CHOICE]
        page = await self.browser.send(first(r'action="([^"]+/hold)"', page, "form to choose a time"), slot=slot)
        self.time.check("We keep this time for you" in page, "a chosen time is kept while the form is filled in")
        self.time.step("client", "chooses a time and reviews it", note=label.split(", with")[0])
        form = first(r'action="([^"]+/book)"', page, "form to book")
        who = {"name": NAME, "email": self.email, "phone": self.phone, "mails": "true", "texts": "true"}
        began = datetime.now(UTC)
        page = await self.browser.send(form, **who)
        took = (datetime.now(UTC) - began).total_seconds()
        self.stage.trace_id = self.browser.trace_id
        self.time.check("Your visit" in page, "offered is bookable")
        again = await self.browser.send(form, **who)
        self.time.check("Your visit" in again, "pressing twice books once")
        found = await self.staff.call("GET", "booking", "/v1/appointments")
        self.time.check(len(found["items"]) == 1, "one visit is booked")
        appointment = found["items"][0]
        self.client_id = appointment["client_id"]
        token = self.stage.token(role="client", practice=self.stage.practice, client=self.client_id)
        self.client = Caller(self.http, self.stage.urls, token)
        self.time.step("client", "books it by the page's own form, with consent to e-mail and texts", latency=took)
        body = {"slot": slot, "client_id": self.client_id}
        refused = await self.client.call("POST", "booking", "/v1/appointments", expect=409, json=body)
        self.time.check(
            refused["code"] == "slot_taken" and len(refused["alternatives"]) == 3,
            "booking it again is refused with three alternatives",
        )
        self.time.step("booking", "refuses the same slot a second time, and names three free ones")
        return dict(appointment)

    async def _see_reminders(self, booked: dict[str, Any]) -> None:
        start = datetime.fromisoformat(booked["start"])
        wanted = (
            ("e-mail", self.email, "You're booked", datetime.fromisoformat(booked["booked_at"])),
            ("e-mail", self.email, "reminder", start - timedelta(seconds=9)),
            ("text", self.phone, "see you", start - timedelta(seconds=6)),
        )
        for channel, address, words, due in wanted:
            message = await self.mailbox.wait(address, words)
            late = (datetime.fromisoformat(message["at"]) - due).total_seconds()
            self.time.check(late >= 0, f"the {channel} is not early")
            what = "a confirmation" if words.startswith("You") else "a reminder"
            self.time.step("client's phone", f"receives {what} by {channel}", latency=late, note="after it was due")

        async def delivered() -> bool:
            log = await self.staff.call("GET", "notifications", f"/v1/clients/{self.client_id}/messages")
            return any(item["channel"] == "sms" and item["status"] == "delivered" for item in log["items"])

        _, took = await self._until("the carrier reports the text as delivered", delivered)
        self.time.check(True, "the carrier's signed receipt is in the message log")
        self.time.step("carrier", "confirms delivery by a signed callback", latency=took)

    async def _stay_away(self, booked: dict[str, Any]) -> dict[str, Any]:
        path = f"/v1/appointments/{booked['id']}"

        async def missed() -> dict[str, Any] | None:
            found: dict[str, Any] = await self.client.call("GET", "booking", path)
            return found if found["status"] == "noshow" else None

        appointment, _ = await self._until("the miss is noticed", missed, 40)
        late = datetime.fromisoformat(appointment["changed_at"]) - datetime.fromisoformat(booked["missed_at"])
        self.time.check(timedelta(0) <= late <= timedelta(seconds=2), "noticed at start + grace, within 2 s")
        self.time.step("booking", "marks the visit as missed", latency=late.total_seconds(), note="after start + grace")
        return dict(appointment)

    async def _answer_outreach(self, missed: dict[str, Any]) -> str:
        text = await self.mailbox.wait(self.phone, "we missed you")
        late = datetime.fromisoformat(text["at"]) - datetime.fromisoformat(missed["changed_at"])
        self.time.check(len(text["text"]) <= 160, "the text has at most 160 characters")
        self.time.step("client's phone", "receives “we missed you” with a link", latency=late.total_seconds())
        page = await self.browser.open(link_in(text))
        self.time.check("We missed you" in page, "the link opens the missed visit")
        survey = first(r'href="([^"]+/s/[^"]+)"', page, "link to the question")
        page = await self.browser.open(survey)
        self.time.check("What got in the way?" in page, "the page asks what got in the way")
        answered = datetime.now(UTC)
        page = await self.browser.send(f"{survey}/barrier", barrier="transport")
        self.time.check("by video" in page, "the answer is acknowledged")
        self.time.step("client", "answers “getting there” with one tap")
        offer = await self.mailbox.wait(self.email, "no travel")
        took = (datetime.fromisoformat(offer["at"]) - answered).total_seconds()
        self.time.step(
            "client's phone",
            "is offered times that need no travel",
            latency=took,
            note="by e-mail: one automated text a day is the limit",
        )
        return link_in(offer)

    async def _rebook(self, link: str) -> dict[str, Any]:
        page = await self.browser.open(link)
        self.time.check("Video visits" in page, "the link opens video visits")
        self.time.check("in person" not in page, "only video visits are offered")
        # The first one may start this very second; the last of the page leaves time for its reminder.
        slots = [part.split('"')[0] for part in page.split('name="slot" value="')[1:]]
        self.time.check(slots, "video visits are free")
        self.rebooked_at = datetime.now(UTC)
        page = await self.browser.send(f"{link}/book", slot=slots[-1])
        self.time.check("You're booked" in page or "You&#39;re booked" in page, "the link books with one tap")

        async def rebooked() -> dict[str, Any] | None:
            found = await self.client.call("GET", "booking", "/v1/appointments")
            return next((item for item in found["items"] if item["rebooked_from"]), None)

        appointment, _ = await self._until("the new visit", rebooked)
        self.time.check(appointment["modality"] == "telehealth", "the new visit is by video")
        self.time.step("client", "books a video visit through the link", note=f"starts {appointment['start']}")
        return dict(appointment)

    async def _see_outreach_end(self, rebooked: dict[str, Any]) -> dict[str, Any]:
        async def ended() -> dict[str, Any] | None:
            found = await self.staff.call("GET", "notifications", "/v1/outreach", params={"client_id": self.client_id})
            return next((item for item in found["items"] if item["status"] == "ended"), None)

        outreach, _ = await self._until("outreach ends", ended)
        took = (datetime.fromisoformat(outreach["ended_at"]) - self.rebooked_at).total_seconds()
        self.time.check(outreach["end_reason"] == "rebooked", "outreach ends because the client is back")
        self.time.check(outreach["barrier"] == "transport", "outreach knows the barrier")
        self.time.check(outreach["rebooked_appointment_id"] == rebooked["id"], "outreach names the new visit")
        self.time.step("notifications", "ends the outreach", latency=took, note="after the booking")
        return dict(outreach)

    async def _keep_visit(self, rebooked: dict[str, Any]) -> None:
        start = datetime.fromisoformat(rebooked["start"])
        await asyncio.sleep(max(0.0, (start - datetime.now(UTC)).total_seconds()))
        path = f"/v1/appointments/{rebooked['id']}"
        await self.staff.call("POST", "booking", f"{path}/check-in")
        done = await self.staff.call("POST", "booking", f"{path}/complete")
        self.time.check(done["status"] == "fulfilled", "the visit is kept")
        self.time.step("practice", "checks the client in and completes the visit")

    async def _rate(self, rebooked: dict[str, Any]) -> None:
        asked = await self.mailbox.wait(self.email, "Four taps")
        self.time.step("client's phone", "is asked how it was")
        link = link_in(asked)
        page = await self.browser.open(link)
        self.time.check("How was it?" in page, "the link asks four questions")
        page = await self.browser.send(f"{link}/rating", heard="9", matters="8", way="9", overall="9")
        self.time.check("Thank you" in page, "the rating is taken")

        async def rated() -> bool:
            found = await self.staff.call("GET", "feedback", "/v1/requests", params={"client_id": self.client_id})
            return any(
                item["appointment_id"] == rebooked["id"] and item["answers"] and item["answers"]["overall"] == 9
                for item in found["items"]
            )

        await self._until("the rating is on record", rated)
        self.time.step("client", "rates the visit with four taps")

    async def _ask_for_help(self) -> None:
        asked = datetime.now(UTC)
        await self.mailbox.reply(await self.mailbox.wait(self.phone, "we missed you"), "HELP")
        answer = await self.mailbox.wait(self.phone, "988")
        self.time.check("STOP" in answer["text"] and "Maple" in answer["text"], "HELP is answered with who and how")
        took = (datetime.fromisoformat(answer["at"]) - asked).total_seconds()
        self.time.step("client", "texts HELP and is told whom to call, and the crisis lines", latency=took)

    async def _see_silence(self, outreach: dict[str, Any]) -> None:
        """Waits until every step of the flow would have been due, then looks: nothing further was sent."""
        quiet = datetime.fromisoformat(outreach["started_at"]) + world.GIVES_UP + timedelta(seconds=1)
        await asyncio.sleep(max(0.0, (quiet - datetime.now(UTC)).total_seconds()))
        log = await self.staff.call("GET", "notifications", f"/v1/clients/{self.client_id}/messages")
        ended = datetime.fromisoformat(outreach["ended_at"])
        late = [
            item
            for item in log["items"]
            if item["purpose"] in OUTREACH and item["sent_at"] and datetime.fromisoformat(item["sent_at"]) > ended
        ]
        self.time.check(not late, "nothing of the outreach is sent after its end")
        tasks = await self.staff.call("GET", "notifications", "/v1/tasks")
        self.time.check(not tasks["items"], "nobody is asked to phone a client who is back")
        self.time.step("notifications", "has sent nothing further", note="every later step of the flow is past due")

    async def _see_report(self, booked: dict[str, Any], rebooked: dict[str, Any]) -> None:
        history = await self.client.call("GET", "feedback", f"/v1/clients/{self.client_id}/attendance")
        seen = {item["id"]: item["status"] for item in history["items"]}
        self.time.check(
            seen == {booked["id"]: "noshow", rebooked["id"]: "fulfilled"}, "the attendance history has both visits"
        )
        report = await self.staff.call("GET", "feedback", "/v1/reports/retention")
        self.stage.report = report
        self.time.check(report["recovered_visits"] == [rebooked["id"]], "the report shows the recovered visit")
        self.time.check(report["barriers"] == {"transport": 1}, "the report names the barrier")
        self.time.step(
            "practice",
            "sees the recovered visit in the retention report",
            note=f"missed {report['missed']['count']} of {report['missed']['of']}, won back 1",
        )

    async def _see_explanation(self) -> None:
        found = await self.staff.call("GET", "notifications", f"/v1/clients/{self.client_id}/explain")
        reasons = {(item["purpose"], item["outcome"], item["reason"]) for item in found["items"]}
        self.time.check(
            ("remote_offer", "channel_closed", "daily_text_cap") in reasons, "it is on record why no second text went"
        )
        self.time.check(("outreach", "ended", "rebooked") in reasons, "it is on record why outreach ended")
        self.time.step("notifications", f"explains each of its {len(found['items'])} decisions about this client")

    async def _see_trace(self) -> None:
        if self.stage.zipkin is None:
            self.time.step("zipkin", "could not be fetched; the trace is not shown")
            return
        zipkin = self.stage.zipkin
        wanted = {
            "post /book/{practice}/review/{hold}/book",
            "notifications intake",
            "rebook by link",
            "rating by link",
            "barrier by link",
            "sms send",
            "carrier report",
            "complete visit",
        }

        async def whole() -> list[trace.Span] | None:
            spans = await trace.fetch(self.http, zipkin, self.stage.trace_id)
            names = {span["name"] for span in spans}
            return spans if wanted <= names and len(trace.services(spans)) >= 4 else None

        spans, _ = await self._until("one trace with every service, the carrier's receipt and the answers", whole)
        self.stage.spans = spans
        self.time.check(len(trace.services(spans)) >= 4, "one trace runs through all four services")
        told = [
            word for word in (self.email, self.phone, NAME, "/a/", "/s/", "/book/", "/w/") if word in _values(spans)
        ]
        self.time.check(not told, "no span tells a name, an address or a link")
        self.time.step("zipkin", f"has the whole path as one trace of {len(spans)} spans")


def _values(spans: list[trace.Span]) -> str:
    """Everything that spans say but the names of routes."""
    said = [value for span in spans for name, value in span.get("tags", {}).items() if name != "http.route"]
    return "\n".join(map(str, said))
