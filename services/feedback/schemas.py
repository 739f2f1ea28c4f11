"""HTTP bodies of feedback."""

from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.feedback.domain import OutreachResult, Request, Retention, Share, Visit
from shared.contracts.availability import Modality
from shared.contracts.booking import AppointmentStatus
from shared.contracts.feedback import Instrument

_ID = "0199f3a2-7c1e-7b6a-9d53-2f1f6a1c9e10"
_AT = "2026-03-02T15:04:05Z"
_SHARE = {"count": 9, "of": 12, "share": 0.75, "low": 0.468, "high": 0.911}


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(from_attributes=True, json_schema_extra={"example": values})


class Attended(BaseModel):
    """One visit of a client's history."""

    model_config = _example(
        id=_ID,
        provider_id=_ID,
        modality="telehealth",
        status="fulfilled",
        start=_AT,
        booked_at=_AT,
        rebooked_from=None,
    )

    id: UUID
    provider_id: UUID
    modality: Modality
    status: AppointmentStatus
    start: AwareDatetime
    booked_at: AwareDatetime
    rebooked_from: UUID | None

    @classmethod
    def of(cls, visit: Visit) -> "Attended":
        return cls.model_validate(visit)


class Attendance(BaseModel):
    """A client's visits by start."""

    items: list[Attended]
    next: str | None


class RequestBody(BaseModel):
    """A question put to a client, and the answers once there are any."""

    model_config = _example(
        id=_ID,
        client_id=_ID,
        appointment_id=_ID,
        instrument="barrier",
        requested_at=_AT,
        submitted_at=_AT,
        answers={"barrier": "transport"},
    )

    id: UUID
    client_id: UUID
    appointment_id: UUID
    instrument: Instrument
    requested_at: AwareDatetime
    submitted_at: AwareDatetime | None
    answers: dict[str, int | str] | None

    @classmethod
    def of(cls, request: Request, answers: dict[str, Any] | None) -> "RequestBody":
        return cls(
            id=request.id,
            client_id=request.client_id,
            appointment_id=request.appointment_id,
            instrument=request.instrument,
            requested_at=request.requested_at,
            submitted_at=request.submitted_at,
            answers=answers,
        )


class RequestPage(BaseModel):
    items: list[RequestBody]
    next: str | None


class ShareBody(BaseModel):
    """`count` of `of`, with Wilson's 95 % interval; null where there is nothing to count."""

    model_config = _example(**_SHARE)

    count: int
    of: int
    share: float | None
    low: float | None
    high: float | None

    @classmethod
    def from_share(cls, share: Share) -> "ShareBody":
        low, high = share.interval or (None, None)
        return cls(count=share.count, of=share.of, share=share.share, low=low, high=high)


class ReturnBody(BaseModel):
    """How many came back after their session number `session`."""

    session: int
    returned: ShareBody
    open: int = Field(description="Clients for whom it is too early to tell")


class OutreachBody(BaseModel):
    """What became of the misses of one group."""

    misses: int
    rebooked: ShareBody
    attended: ShareBody

    @classmethod
    def from_result(cls, result: OutreachResult) -> "OutreachBody":
        return cls(
            misses=result.misses,
            rebooked=ShareBody.from_share(result.rebooked),
            attended=ShareBody.from_share(result.attended),
        )


class RetentionBody(BaseModel):
    """The retention report: attendance, returns after each session, and what outreach won back."""

    model_config = _example(
        begin=_AT,
        end=_AT,
        attended=_SHARE,
        missed=_SHARE,
        cancelled=2,
        returns=[{"session": 1, "returned": _SHARE, "open": 3}],
        reached_out={"misses": 12, "rebooked": _SHARE, "attended": _SHARE},
        held_out={"misses": 12, "rebooked": _SHARE, "attended": _SHARE},
        recovered_visits=[_ID],
        barriers={"transport": 4},
    )

    begin: AwareDatetime
    end: AwareDatetime
    attended: ShareBody = Field(description="Of the visits that were kept or missed")
    missed: ShareBody
    cancelled: int
    returns: list[ReturnBody]
    reached_out: OutreachBody = Field(description="Misses with outreach")
    held_out: OutreachBody = Field(description="Misses left alone, for comparison")
    recovered_visits: list[UUID] = Field(description="Kept visits that were booked after a miss with outreach")
    barriers: dict[str, int]

    @classmethod
    def of(cls, report: Retention, begin: AwareDatetime, end: AwareDatetime) -> "RetentionBody":
        return cls(
            begin=begin,
            end=end,
            attended=ShareBody.from_share(report.attended),
            missed=ShareBody.from_share(report.missed),
            cancelled=report.cancelled,
            returns=[
                ReturnBody(session=one.session, returned=ShareBody.from_share(one.returned), open=one.open)
                for one in report.returns
            ],
            reached_out=OutreachBody.from_result(report.reached_out),
            held_out=OutreachBody.from_result(report.held_out),
            recovered_visits=report.recovered,
            barriers=report.barriers,
        )
