"""A database that is taken to a revision and back, for tests of migrations with rows in the tables."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import AsyncEngine


async def migrate(engine: AsyncEngine, migrations: Path, revision: str) -> None:
    """Up to `head`, or down to an earlier one."""

    def move(connection: object) -> None:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(migrations))
        (command.upgrade if revision == "head" else command.downgrade)(config, revision)

    async with engine.begin() as connection:
        await connection.run_sync(move)
