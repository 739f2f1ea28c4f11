"""What a practice decides for itself."""

from dataclasses import replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.booking import repository
from services.booking.domain.policy import Policy
from shared.errors import require_version
from shared.telemetry import use_case


@use_case
async def set_policy(session: AsyncSession, *, tenant: UUID, version: int, policy: Policy) -> Policy:
    """Raises Problem `late_within_invalid`, `video_link_invalid` or `version_mismatch`."""
    known = await repository.policy.get(session)
    require_version(version, known.version)
    changed = replace(policy, version=known.version + 1)
    changed.check()
    await repository.policy.save(session, tenant, changed)
    return changed
