"""What practices decide for themselves."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.booking.domain.policy import Policy
from services.booking.tables import policies
from shared.errors import require_version
from shared.rows import dump, one


async def get(session: AsyncSession) -> Policy:
    """The practice's policy, or the default one in version 0."""
    return await one(session, Policy, select(policies)) or Policy()


async def save(session: AsyncSession, tenant: UUID, policy: Policy) -> None:
    """Keeps the next version. Raises Problem `version_mismatch` when somebody else was faster."""
    values = dump(policy)
    saved = await session.scalar(
        upsert(policies)
        .values(tenant_id=tenant, **values)
        .on_conflict_do_update(
            index_elements=["tenant_id"], set_=values, where=policies.c.version == policy.version - 1
        )
        .returning(policies.c.version)
    )
    if saved is None:
        require_version(policy.version - 1, (await get(session)).version)
