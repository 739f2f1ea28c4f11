"""What a practice decides for itself."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.booking import repository
from services.booking.domain.policy import Policy, SelfBooking
from shared.errors import require_version
from shared.telemetry import use_case


@use_case
async def set_policy(
    session: AsyncSession, *, tenant: UUID, version: int, late_within: timedelta, self_booking: SelfBooking
) -> Policy:
    """Raises Problem `late_within_invalid`, or `version_mismatch`."""
    known = await repository.policy.get(session)
    require_version(version, known.version)
    policy = Policy(late_within=late_within, self_booking=self_booking, version=known.version + 1)
    policy.check()
    await repository.policy.save(session, tenant, policy)
    return policy
