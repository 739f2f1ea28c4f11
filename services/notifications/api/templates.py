"""Routes: practices' own words."""

from collections.abc import Iterator
from typing import Any, get_args

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifications import repository, schemas
from services.notifications.api.common import ADMINISTRATION, AT_THE_PRACTICE, own
from services.notifications.domain.model import Language, Purpose
from services.notifications.domain.words import LANGUAGES, default_words
from services.notifications.use_cases import templates
from shared.commands import Answer, Write
from shared.contracts.notifications import Channel
from shared.errors import not_found
from shared.web import Caller, problems

router = APIRouter(prefix="/v1", responses=problems(401, 403, 422, 503))

PATH = "/templates/{purpose}/{channel}/{language}"


@router.get("/templates", operation_id="list_templates")
async def list_templates(request: Request, caller: Caller) -> schemas.TemplateList:
    """The words of every message by every channel in every language, the practice's own where it has some."""
    caller.require("messages:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(caller.tenant) as session:
        rows = await repository.templates.every(session)
    ours = {(row["purpose"], row["channel"], row["language"]): row for row in rows}
    return schemas.TemplateList(items=list(_all(ours)))


def _all(ours: dict[Any, Any]) -> Iterator[schemas.TemplateBody]:
    names = schemas.TemplateBody.model_fields
    purposes: tuple[Purpose, ...] = get_args(Purpose)
    channels: tuple[Channel, ...] = get_args(Channel)
    for purpose in purposes:
        for channel in channels:
            for language in LANGUAGES:
                row = ours.get((purpose, channel, language))
                words = default_words(purpose, channel, language)
                if row is not None:
                    yield schemas.TemplateBody(**{name: row[name] for name in names})
                elif words is not None:
                    yield schemas.TemplateBody(
                        purpose=purpose,
                        channel=channel,
                        language=language,
                        body=words.body,
                        subject=words.subject,
                        action=words.action,
                        version=0,
                        changed_at=None,
                    )


@router.put(PATH, response_model=schemas.TemplateBody, operation_id="set_template")
async def set_template(
    request: Request,
    purpose: Purpose,
    channel: Channel,
    language: Language,
    body: schemas.NewTemplate,
    command: Write,
) -> Response:
    """Sets a practice's own words. 422 `words_refused` lists what is wrong with them, by field."""
    command.principal.require("messages:write", *ADMINISTRATION)
    now = own(request).clock()

    async def work(session: AsyncSession) -> Answer:
        version = await templates.set_words(
            session, tenant=command.principal.tenant, key=(purpose, channel, language), words=body.words(), now=now
        )
        kept = schemas.TemplateBody(
            purpose=purpose,
            channel=channel,
            language=language,
            version=version,
            changed_at=now,
            **body.model_dump(),
        )
        return Answer(kept)

    return await command.run(work)


@router.delete(PATH, status_code=204, operation_id="reset_template", response_class=Response, responses=problems(404))
async def reset_template(purpose: Purpose, channel: Channel, language: Language, command: Write) -> Response:
    """Goes back to Rapport's own words."""
    command.principal.require("messages:write", *ADMINISTRATION)

    async def work(session: AsyncSession) -> Answer:
        if default_words(purpose, channel, language) is None:
            raise not_found("template", "There are no words for this purpose by this channel.")
        await repository.templates.remove(session, (purpose, channel, language))
        return Answer(None, 204)

    return await command.run(work)
