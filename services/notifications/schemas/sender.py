"""Bodies about how the practice presents itself."""

from datetime import time

from pydantic import Field, model_validator

from services.notifications.domain.model import Language, Sender
from services.notifications.domain.policy import EARLIEST, LATEST
from services.notifications.schemas.examples import example
from shared.bodies import Body
from shared.emails import Email
from shared.phones import Phone

ONE_LINE = r"^[^{}\u0000-\u001f\u007f-\u009f\u2028\u2029]+$"


class SenderBody(Body):
    """How the practice presents itself in messages: neutral, and short enough for a text."""

    model_config = example(
        name="Maple Practice",
        phone="+12025550100",
        sms_from="+12025550111",
        email_from="hello@maple.example",
        alert_email="desk@maple.example",
        opens="08:00:00",
        closes="21:00:00",
    )

    name: str = Field(min_length=1, max_length=20, pattern=ONE_LINE, description="Says nothing of the care")
    phone: Phone
    sms_from: Phone
    email_from: Email
    alert_email: Email = Field(description="Where a person is reached when one is needed at once")
    opens: time = Field(EARLIEST, description="Messages go out from this time in the recipient's zone")
    closes: time = Field(LATEST, description="… and until this time")

    language: Language = Field("en", description="Of messages to clients who have told no other")

    concerns_owner: str | None = Field(
        None, max_length=200, pattern=r"\S", description="Subject of whoever answers what worries clients"
    )

    bounces_to: Email | None = Field(
        None,
        description="Where mails return that can't be delivered; the mail server hands them to POST /v1/inbound/email",
    )

    @model_validator(mode="after")
    def _within_law(self) -> "SenderBody":
        if self.opens.tzinfo or self.closes.tzinfo:
            raise ValueError("opens and closes should be times without a zone: each recipient's own counts")
        if not EARLIEST <= self.opens < self.closes <= LATEST:
            raise ValueError("opens and closes should lie within 08:00 and 21:00, opens first")
        return self

    def sender(self) -> Sender:
        return Sender(**self.model_dump())
