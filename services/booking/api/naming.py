"""How pages say with whom a time is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.booking.api.pages import by_video
from services.booking.resources import Resources
from shared.contracts.slots import Plan
from shared.errors import Problem


@dataclass(frozen=True, slots=True)
class Providers:
    """The names of a practice's providers; none where they can't be had right now."""

    names: Mapping[UUID, str]

    def name(self, provider_id: UUID) -> str | None:
        return self.names.get(provider_id)

    def label(self, plan: Plan) -> str:
        """What is said of a time beside when it is."""
        name = self.name(plan.provider_id)
        return (f", with {name}" if name else "") + by_video(plan)


async def providers_of(ours: Resources, tenant: UUID, now: datetime) -> Providers:
    """A page does without names where availability is away."""
    try:
        found = await ours.names.of(tenant, now)
    except Problem:
        return Providers({})
    return Providers({item.id: item.name for item in found.providers} if found else {})
