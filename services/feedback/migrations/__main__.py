"""`python -m services.feedback.migrations`: upgrades the database, grants to the serving role, creates topics."""

from services.feedback.consumers import HANDLERS
from services.feedback.resources import MIGRATIONS
from services.feedback.settings import Migrations
from shared.contracts import CATALOGUE
from shared.migrations import main

if __name__ == "__main__":
    own = [event for event in CATALOGUE if event.producer == "feedback"]
    main("feedback", Migrations, MIGRATIONS, own, [event.type for event in HANDLERS])
