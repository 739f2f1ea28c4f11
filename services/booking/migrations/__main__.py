"""`python -m services.booking.migrations`: upgrades the database, grants to the serving role, creates topics."""

from services.booking.consumers import HANDLERS
from services.booking.resources import MIGRATIONS
from services.booking.settings import Migrations
from shared.contracts import CATALOGUE
from shared.migrations import main

if __name__ == "__main__":
    own = [event for event in CATALOGUE if event.producer == "booking"]
    main("booking", Migrations, MIGRATIONS, own, [event.type for event in HANDLERS])
