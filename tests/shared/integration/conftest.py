from collections.abc import AsyncIterator

import pytest

from shared.db import Database
from tests.conftest import MakeSettings
from tests.support.consuming import Bench
from tests.support.streams import make_topics


@pytest.fixture
async def bench(make_settings: MakeSettings, kafka: str) -> AsyncIterator[Bench]:
    settings = await make_settings("feedback")
    database = Database(settings.database_url, pool_size=8, name="feedback")
    one = Bench(database, kafka)
    await make_topics(kafka, one.event, one.group)
    yield one
    await database.close()
