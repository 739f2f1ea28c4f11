"""Routes for the other services: how a practice's providers, places and types are called."""

from typing import Annotated

from fastapi import APIRouter, Path, Request

from services.availability.api.common import own
from services.availability.use_cases import practice
from shared.capability import Capability
from shared.contracts.directory import Directory
from shared.telemetry import current_tenant
from shared.web import problems

router = APIRouter(prefix="/v1", tags=["services"], responses=problems(422, 503))


@router.get("/directory/{proof}", operation_id="get_directory", responses=problems(404, 410))
async def get_directory(request: Request, proof: Annotated[str, Path(max_length=100)]) -> Directory:
    """A practice as its clients know it, for booking's pages; `proof` is signed by booking."""
    ours = own(request)
    asked = Capability.verify(proof, ours.settings.slot_signing_key, "directory", ours.clock())
    current_tenant.set(asked.tenant)
    async with ours.database.transaction(asked.tenant) as session:
        return await practice.directory(session)
