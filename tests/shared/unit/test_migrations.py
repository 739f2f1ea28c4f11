"""What migrations must heed that no database says."""

import re
from pathlib import Path

import pytest

from deploy.local.settings import SERVICES

FILES = sorted(path for service in SERVICES for path in Path("services", service, "migrations/versions").glob("0*.py"))
CHANGED = re.compile(r"(?:^\s*|\")(?:UPDATE|INSERT INTO|DELETE FROM) (\w+)", re.MULTILINE)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parts[1]}/{path.stem}")
def test_rows_of_every_practice_are_changed_or_those_of_none(path: Path) -> None:
    """Forced row-level security hides rows from the owner as well: such a statement would change nothing, silently."""
    script = path.read_text()
    for table in CHANGED.findall(script):
        opened = f"{table} NO FORCE ROW LEVEL SECURITY" in script
        assert opened or re.search(rf'of_every_tenant\([^)]*"{table}"', script), table
