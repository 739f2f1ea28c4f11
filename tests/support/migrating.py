"""A database that is taken to a revision and back, for tests of migrations with rows in the tables."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import AsyncEngine


async def migrate(engine: AsyncEngine, migrations: Path, revision: str, *, up: bool = False) -> None:
    """Up to `head`, or down to an earlier one; or up to one that is not the last."""

    def move(connection: object) -> None:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(migrations))
        (command.upgrade if up or revision == "head" else command.downgrade)(config, revision)

    async with engine.begin() as connection:
        await connection.run_sync(move)
