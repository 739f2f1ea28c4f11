"""Bodies about calendars, and about meeting by video."""

from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, model_validator

from services.booking.domain.calendars import Feed, Titles
from services.booking.schemas.examples import ID, example
from shared.bodies import Body


class NewCalendar(Body):
    """A private feed of the visits of one provider, or of one client."""

    model_config = example(provider_id=ID, titles="opaque")

    provider_id: UUID | None = None
    client_id: UUID | None = None
    titles: Titles = Field("opaque", description="`kind`: a visit is called by its type; for providers only")

    @model_validator(mode="after")
    def _of_one(self) -> "NewCalendar":
        if (self.provider_id is None) == (self.client_id is None):
            raise ValueError("should name a provider or a client, one of them")
        if self.client_id is not None and self.titles != "opaque":
            raise ValueError("a client's feed should have opaque titles")
        return self


class CalendarBody(BaseModel):
    """A private feed. Its address is told once, when it is made."""

    model_config = example(
        id=ID, provider_id=ID, client_id=None, titles="opaque", created_at="2026-03-02T15:04:05Z", revoked_at=None
    )

    id: UUID
    provider_id: UUID | None
    client_id: UUID | None
    titles: Titles
    created_at: AwareDatetime
    revoked_at: AwareDatetime | None

    @classmethod
    def of(cls, feed: Feed) -> "CalendarBody":
        return cls(**{name: getattr(feed, name) for name in cls.model_fields})


class NewCalendarBody(BaseModel):
    """A new private feed with its address; whoever has it can read the feed until it is revoked."""

    model_config = example(id=ID, url="https://care.example.org/booking/calendars/….ics")

    id: UUID
    url: str


class CalendarList(BaseModel):
    """Private feeds, in order."""

    items: list[CalendarBody]


class Join(BaseModel):
    """Where a visit by video takes place."""

    model_config = example(
        url="https://video.example.org/k3v5ux2c7m4q6h1a",
        opens_at="2026-03-04T13:45:00Z",
        closes_at="2026-03-04T15:05:00Z",
    )

    url: str
    opens_at: AwareDatetime
    closes_at: AwareDatetime
