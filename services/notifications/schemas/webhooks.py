"""Bodies about webhooks."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field

from services.notifications.domain.webhooks import Delivery, Status, Webhook
from services.notifications.schemas.examples import AT, ID, example
from shared.bodies import Body
from shared.contracts import BY_TYPE

_URL = "https://app.example.org/rapport"
_WEBHOOK = {
    "id": ID,
    "url": _URL,
    "event_types": ["appointment.booked", "appointment.missed"],
    "disabled_because": None,
    "created_at": AT,
    "version": 1,
}


def _known(name: str) -> str:
    if name not in BY_TYPE:
        raise ValueError("should be one of the events in docs/events/asyncapi.json, such as appointment.booked")
    return name


EventType = Annotated[str, Field(max_length=80), AfterValidator(_known)]


class NewWebhook(Body):
    """Where an app wants to hear of which events."""

    model_config = example(url=_URL, event_types=["appointment.booked", "appointment.missed"])

    url: str = Field(
        min_length=1, max_length=1000, description="https, on the open internet; it isn't followed elsewhere"
    )
    event_types: list[EventType] = Field(min_length=1, max_length=100)


class WebhookBody(BaseModel):
    """A webhook; its secret is told once, when it is made or changed."""

    model_config = example(**_WEBHOOK)

    id: UUID
    url: str
    event_types: list[str]
    disabled_because: str | None = Field(description="`gone`: its server said 410; a change sets it going again")
    created_at: AwareDatetime
    version: int

    @classmethod
    def of(cls, webhook: Webhook) -> "WebhookBody":
        return cls.model_validate(webhook)


class NewWebhookBody(WebhookBody):
    """With the secret that signs (Standard Webhooks, `v1`)."""

    model_config = example(**_WEBHOOK, secret="whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")  # noqa: S106 # the specification's example

    secret: str


class WebhookList(BaseModel):
    items: list[WebhookBody]
    next: None = None


class DeliveryBody(BaseModel):
    """An event for a webhook, and what its server said the last time."""

    model_config = example(
        id=ID,
        webhook_id=ID,
        event_type="appointment.booked",
        status="delivered",
        attempts=1,
        answer="200",
        created_at=AT,
        tried_at=AT,
        next_at=None,
    )

    id: UUID
    webhook_id: UUID
    event_type: str
    status: Status
    attempts: int
    answer: str | None = Field(description="A status, or why there was none")
    created_at: AwareDatetime
    tried_at: AwareDatetime | None
    next_at: AwareDatetime | None

    @classmethod
    def of(cls, delivery: Delivery) -> "DeliveryBody":
        return cls.model_validate(delivery)


class DeliveryPage(BaseModel):
    items: list[DeliveryBody]
    next: str | None
