"""What booking's page hands to notifications: how somebody who books for the first time can be reached."""

from pydantic import Field

from shared.bodies import Body
from shared.contracts.availability import ZoneName


class Intake(Body):
    """Addresses, and the yes to each channel in the words that were shown. They go nowhere else."""

    email: str | None = Field(None, max_length=254, pattern=r"^[^@\s<>,;\"]+@[^@\s<>,;\"]+\.[^@\s<>,;\"]+$")
    phone: str | None = Field(None, pattern=r"^\+[1-9][0-9]{6,14}$", description="E.164, such as +12025550123")
    zone: ZoneName | None = None
    wants_email: bool = False
    wants_texts: bool = False
    wording_version: str = Field(min_length=1, max_length=80)
