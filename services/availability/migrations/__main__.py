"""`python -m services.availability.migrations`: upgrades the database, grants to the serving role, creates topics."""

from services.availability.consumers import HANDLERS
from services.availability.resources import MIGRATIONS
from services.availability.settings import Migrations
from shared.contracts import CATALOGUE
from shared.migrations import main

if __name__ == "__main__":
    own = [event for event in CATALOGUE if event.producer == "availability"]
    main("availability", Migrations, MIGRATIONS, own, [event.type for event in HANDLERS])
