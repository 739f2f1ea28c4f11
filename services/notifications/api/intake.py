"""Routes for the other services: who books for the first time."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from services.notifications import schemas
from services.notifications.api.common import own
from services.notifications.use_cases import practice
from shared.capability import Capability
from shared.telemetry import current_tenant
from shared.web import problems

router = APIRouter(prefix="/v1", tags=["services"], responses=problems(422, 503))


@router.put("/intake/{proof}", status_code=204, operation_id="take_in", responses=problems(404, 410))
async def take_in(request: Request, proof: Annotated[str, Path(max_length=100)], body: schemas.IntakeBody) -> None:
    """How a client who books for the first time on booking's page can be reached; `proof` is signed by booking."""
    ours = own(request)
    asked = Capability.verify(proof, ours.settings.link_signing_key, "intake", ours.clock())
    token = current_tenant.set(asked.tenant)
    try:
        await ours.database.run(
            asked.tenant,
            lambda session: practice.take_in(
                session, tenant=asked.tenant, client_id=asked.subject, intake=body, now=ours.clock()
            ),
        )
    finally:
        current_tenant.reset(token)
