"""Rules 1 to 7 are never broken in a year of lives, and every message is explained.

A few eventful lives here; `make simulate clients=1000` lets as many pass by as one likes.
"""

import os
import sys
from collections import Counter
from time import perf_counter
from uuid import uuid4

import pytest

from tests.notifications.conftest import Practice
from tests.notifications.simulation.year import Year

pytestmark = pytest.mark.servers
CLIENTS = int(os.environ.get("RAPPORT_CLIENTS", "10"))
SEED = int(os.environ.get("RAPPORT_SEED", "2"))
EVENTFUL = 12.0 if CLIENTS <= 20 else 1.0
"""In few lives as much is to happen as in many."""
OF_A_FEW = "confirmation reminder check_in rating_request"
OF_MANY = (
    "confirm_request missed_you next_visit cancellation barrier_question closing check_in_thanks"
    " opt_out_confirmation opt_in_confirmation help safety"
)


@pytest.mark.timeout(300 + 6 * CLIENTS)
async def test_no_rule_is_broken_in_a_year_and_every_message_is_explained(
    practice: Practice, capsys: pytest.CaptureFixture[str]
) -> None:
    begun = perf_counter()
    year = Year(practice.resources, uuid4(), 0, CLIENTS, SEED, eventful=EVENTFUL)
    found, total = await year.run(), year.happened
    if CLIENTS > 10:
        with capsys.disabled():
            lines = [f"\n{CLIENTS} clients, a year, {perf_counter() - begun:.0f} s"]
            lines += [f"{number:>9,} {what}" for what, number in sorted(total.items())]
            sys.stdout.write("\n".join(lines) + "\n")
    assert found == Counter()
    # A year in which nothing happens breaks no rule: each of these must have gone out.
    expected = f"{OF_A_FEW} {OF_MANY}" if CLIENTS >= 500 else OF_A_FEW
    assert [one for one in expected.split() if not total[f"sent {one}"]] == []
    assert (year.ledger.alerts > 0) >= bool(total["sent safety"])
