"""Bodies about practices' own words."""

from pydantic import AwareDatetime, BaseModel, Field

from services.notifications.domain.model import Language, Purpose
from services.notifications.domain.words import Words
from services.notifications.schemas.examples import example
from shared.bodies import Body
from shared.contracts.notifications import Channel

_BODY = "{{ name }}: see you {{ when }}. {{ link }}"


class NewTemplate(Body):
    """A practice's own words, with `{{ name }}`, `{{ phone }}`, `{{ when }}` and `{{ link }}` in them.

    Only mails have a subject, and an action, which is what the link does.
    """

    model_config = example(body=_BODY)

    body: str = Field(min_length=1, max_length=4000)
    subject: str = Field("", max_length=120)
    action: str = Field("", max_length=120)

    def words(self) -> Words:
        return Words(self.body, self.subject, self.action)


class TemplateBody(BaseModel):
    """The words of a purpose by a channel in a language; version 0 are Rapport's own."""

    model_config = example(
        purpose="reminder",
        channel="sms",
        language="en",
        body=_BODY,
        subject="",
        action="",
        version=0,
        changed_at=None,
    )

    purpose: Purpose
    channel: Channel
    language: Language
    body: str
    subject: str
    action: str
    version: int
    changed_at: AwareDatetime | None = Field(description="None for Rapport's own")


class TemplateList(BaseModel):
    items: list[TemplateBody]
    next: None = None
