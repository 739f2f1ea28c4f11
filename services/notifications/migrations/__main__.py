"""`python -m services.notifications.migrations`: upgrades the database, grants to the serving role, creates topics."""

from services.notifications.consumers import HANDLERS
from services.notifications.resources import MIGRATIONS
from services.notifications.settings import Migrations
from shared.contracts import CATALOGUE
from shared.migrations import main

if __name__ == "__main__":
    own = [event for event in CATALOGUE if event.producer == "notifications"]
    main("notifications", Migrations, MIGRATIONS, own, [event.type for event in HANDLERS])
