"""The console's pages of reminder plans and outreach flows: their versions, and the form that publishes the next."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.exceptions import HTTPException

from services.notifications import repository
from services.notifications.api import faults
from services.notifications.api.common import ADMINISTRATION, AT_THE_PRACTICE, links_of, own
from services.notifications.api.console import ON_A_PAGE, pages, render
from services.notifications.api.filled import Filled, StepForm
from services.notifications.api.plan_forms import (
    CHANNELS,
    CHECK_INS,
    DISENGAGING_FLOW,
    FLOW,
    PLAN,
    UNSCHEDULED_FLOW,
    VISIT,
    a_visit,
    read_visit,
)
from services.notifications.api.plans import Version
from services.notifications.domain.outreach import OutreachFlow
from services.notifications.domain.previewing import Previewed
from services.notifications.repository.plans import Published
from services.notifications.schemas import SampleVisit
from services.notifications.use_cases import practice, previews
from shared.auth import Principal
from shared.console import OwnForm, Visitor, base
from shared.contracts.notifications import OutreachTrigger
from shared.errors import Kind, Problem, invalid, not_found
from shared.numbers import digits

router = APIRouter(prefix="/console", include_in_schema=False, default_response_class=HTMLResponse)


def _step(step: str) -> str:
    """A step of a preview (`plan.0`, `step.0`, `barrier.time`) as the form calls it."""
    of, _, which = step.partition(".")
    return f"When it was {which}" if of == "barrier" else f"Step {int(which) + 1}"


pages.filters(
    step=_step,
    channel=lambda code: CHANNELS[code],
    within=lambda wrong, at: any(name.startswith(f"{at}.") for name in wrong),
)


@dataclass(frozen=True, slots=True)
class Editor:
    """What is edited under /console/{path}: its form, and what the API does with the same."""

    path: str
    name: str
    code: str
    holds_for: str
    about: str
    form: StepForm
    of_version: Callable[[AsyncSession, int | None], Awaitable[tuple[int, Any]]]
    versions: Callable[[AsyncSession, int | None, int], Awaitable[Sequence[Published]]]
    publish: Callable[..., Awaitable[int]]
    preview: Callable[..., Awaitable[list[Previewed]]]


def _of_trigger(trigger: OutreachTrigger, form: StepForm, path: str, name: str, about: str) -> Editor:
    async def of_version(session: AsyncSession, version: int | None) -> tuple[int, OutreachFlow]:
        return await repository.plans.flow(session, trigger, version)

    async def versions(session: AsyncSession, before: int | None, limit: int) -> Sequence[Published]:
        return await repository.plans.flows(session, trigger, before, limit)

    return Editor(
        path=path,
        name=name,
        code="flow",
        holds_for="outreach that began",
        about=about,
        form=form,
        of_version=of_version,
        versions=versions,
        publish=practice.publish_flow,
        preview=partial(previews.preview_flow, trigger=trigger),
    )


EDITORS = (
    Editor(
        path="plans",
        name="reminder plan",
        code="plan",
        holds_for="visits that were booked or moved",
        about="Which messages a booked visit gets, and when.",
        form=PLAN,
        of_version=repository.plans.plan,
        versions=repository.plans.plans,
        publish=practice.publish_plan,
        preview=previews.preview_plan,
    ),
    Editor(
        path="check-ins",
        name="check-in plan",
        code="plan",
        holds_for="visits that took place",
        about="When clients are asked between sessions how they are, and who reads it. Without steps nobody is.",
        form=CHECK_INS,
        of_version=repository.check_ins.plan,
        versions=repository.check_ins.plans,
        publish=practice.publish_check_ins,
        preview=previews.preview_check_ins,
    ),
    _of_trigger(
        "missed",
        FLOW,
        "flows",
        "outreach flow",
        "What happens after a missed visit, until the client is back or is given up.",
    ),
    _of_trigger(
        "unscheduled",
        UNSCHEDULED_FLOW,
        "unscheduled-flows",
        "outreach flow without a next visit",
        "What happens when a client in care has nothing booked.",
    ),
    _of_trigger(
        "disengaging",
        DISENGAGING_FLOW,
        "disengaging-flows",
        "outreach flow of a long absence",
        "What happens when a client stays away for longer than usual.",
    ),
)

Handler = TypeVar("Handler", bound=Callable[..., Any])


def _each(register: Callable[..., Any], below: str = "", **more: Any) -> Callable[[Handler], Handler]:
    """A route of every editor."""

    def decorate(handler: Handler) -> Handler:
        for editor in EDITORS:
            register(f"/{editor.path}{below}", **more)(handler)
        return handler

    return decorate


def _which(request: Request) -> Editor:
    """The one that the address names, in what follows /console."""
    named = request.scope["path"].split("/")[2]
    return next(editor for editor in EDITORS if editor.path == named)


Which = Annotated[Editor, Depends(_which)]
Number = Annotated[int | None, Query(ge=0, le=2**31 - 1)]


@_each(router.get)
async def versions(
    request: Request, visitor: Visitor, editor: Which, before: Number = None, done: Number = None
) -> HTMLResponse:
    """Every version, the newest first, with whom it holds for."""
    visitor.require("messages:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(visitor.tenant) as session:
        current, _ = await editor.of_version(session, None)
        found = await editor.versions(session, before, ON_A_PAGE + 1)
    return render(
        request,
        "versions.html",
        editor=editor,
        current=current,
        versions=found[:ON_A_PAGE],
        more=found[ON_A_PAGE - 1].version if len(found) > ON_A_PAGE else None,
        first=found[-1] if found else None,
        may_publish=_may_publish(visitor),
        beside=[one for one in EDITORS if one.code == editor.code and one != editor],
        done=done,
    )


@_each(router.get, "/edit")
async def edit_page(request: Request, visitor: Visitor, editor: Which, start: Number = None) -> HTMLResponse:
    """The form of the next version, filled in as the current one, or as an earlier one to go back to."""
    _require_publisher(visitor)
    async with own(request).database.transaction(visitor.tenant) as session:
        current, value = await editor.of_version(session, None)
        if start is not None:
            value = await _version(session, editor, start)
    filled = editor.form.write(value)
    return _page(request, editor, current, Filled({**filled.fields, **a_visit()}, filled.steps))


@_each(router.post, "/edit", dependencies=[OwnForm], response_model=None)
async def edit(request: Request, visitor: Visitor, editor: Which) -> Response:
    """Checks and shows what would be sent, publishes, or only adds, removes or moves a step."""
    _require_publisher(visitor)
    sent = await _sent(request)
    press, begun = sent.pop("do", "look"), digits(sent.pop("version", ""))
    if begun is None:
        raise invalid("version_missing", "Open the page again, and send the form there.", field="version")
    filled = Filled.of(sent)
    if press not in ("look", "publish"):
        filled, focus = filled.rearranged(press, editor.form.blank)
        return _page(request, editor, begun, filled, focus=focus)
    try:
        value = editor.form.model.model_validate(editor.form.body(filled))
    except ValidationError as error:
        return _page(request, editor, begun, filled, editor.form.faults(filled, error))
    if press == "look":
        return await _look(request, visitor, editor, begun, filled, value)
    return await _publish(request, visitor, editor, begun, filled, value)


@_each(router.get, "/{version}")
async def one_version(request: Request, visitor: Visitor, editor: Which, version: Version) -> HTMLResponse:
    """A version to read."""
    visitor.require("messages:read", *AT_THE_PRACTICE)
    async with own(request).database.transaction(visitor.tenant) as session:
        current, _ = await editor.of_version(session, None)
        value = await _version(session, editor, version)
    filled = editor.form.write(value)
    return render(
        request,
        "version.html",
        editor=editor,
        version=version,
        current=current,
        form=editor.form.page(len(filled.steps)),
        sent=filled.flat,
        may_publish=_may_publish(visitor),
    )


async def _look(
    request: Request, visitor: Principal, editor: Editor, begun: int, filled: Filled, value: BaseModel
) -> Response:
    ours = own(request)
    try:
        visit = read_visit(filled.fields, ours.clock())
    except ValidationError as error:
        return _page(request, editor, begun, filled, faults.find(VISIT, error, VISIT.name))
    try:
        async with ours.database.transaction(visitor.tenant) as session:
            preview = await editor.preview(
                session,
                **{editor.code: value},
                sample=visit.sample(),
                links=links_of(ours, visitor.tenant),
                now=ours.clock(),
            )
    except Problem as problem:
        if problem.kind is not Kind.CONFLICT:
            raise
        return _page(request, editor, begun, filled, told=problem)
    return _page(request, editor, begun, filled, preview=preview, visit=visit)


async def _publish(
    request: Request, visitor: Principal, editor: Editor, begun: int, filled: Filled, value: BaseModel
) -> Response:
    ours = own(request)

    async def work(session: AsyncSession) -> int:
        return await editor.publish(
            session, tenant=visitor.tenant, **{editor.code: value}, now=ours.clock(), instead_of=begun
        )

    try:
        version = await ours.database.run(visitor.tenant, work)
    except Problem as problem:
        if problem.code != "newer_version":
            raise
        # Who reads that there is a newer one, and publishes again, means to.
        return _page(request, editor, problem.extra["newest"], filled, told=problem, newer=problem.extra["newest"])
    return RedirectResponse(f"{base(request)}/console/{editor.path}?done={version}", 303)


async def _sent(request: Request) -> dict[str, str]:
    try:
        return {name: str(value) for name, value in (await request.form()).items()}
    except HTTPException as error:
        # The framework's word for more fields, or longer ones, than it reads.
        told = "This form has more in it than can be read; remove some steps and send it again."
        raise Problem(Kind.TOO_LARGE, "form_too_large", told) from error


async def _version(session: AsyncSession, editor: Editor, version: int) -> BaseModel:
    found, value = await editor.of_version(session, version)
    if found != version:
        raise not_found(f"{editor.code}_version", f"There is no such version of the {editor.name}.")
    known: BaseModel = value
    return known


def _require_publisher(visitor: Principal) -> None:
    """Whoever may publish by the API may here."""
    visitor.require("messages:write", *ADMINISTRATION)


def _may_publish(visitor: Principal) -> bool:
    try:
        _require_publisher(visitor)
    except Problem:
        return False
    return True


def _page(
    request: Request,
    editor: Editor,
    begun: int,
    filled: Filled,
    wrong: Sequence[faults.Fault] = (),
    *,
    told: Problem | None = None,
    newer: int | None = None,
    preview: Sequence[Previewed] | None = None,
    visit: SampleVisit | None = None,
    focus: int | None = None,
) -> HTMLResponse:
    """The form as it was filled in, with what came of it."""
    said: Mapping[str, str] = {fault.name: fault.words for fault in wrong}
    if wrong:
        told = invalid("form_invalid", "Nothing was published. Please put right what is wrong.")
    return render(
        request,
        "editor.html",
        told,
        editor=editor,
        begun=begun,
        form=editor.form.page(len(filled.steps)),
        visit_form=VISIT,
        sent=filled.flat,
        faults=wrong,
        wrong=said,
        newer=newer,
        preview=preview,
        visit=visit,
        focus=focus,
        may_add=len(filled.steps) < editor.form.most_steps,
    )
