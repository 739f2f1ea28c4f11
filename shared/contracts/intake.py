"""What booking's page hands to notifications: how somebody who books for the first time can be reached."""

from pydantic import ConfigDict, Field

from shared.bodies import Body
from shared.contracts.availability import ZoneName
from shared.emails import Email


class Intake(Body):
    """Addresses, and the yes to each channel in the words that were shown. They go nowhere else."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "email": "sam@example.org",
                "phone": "+12025550123",
                "zone": "America/New_York",
                "wants_email": True,
                "wants_texts": True,
                "wording_version": "booking-page-2026-11",
            }
        }
    )

    email: Email | None = None
    phone: str | None = Field(
        None,
        pattern=r"^\+[1-9][0-9]{6,14}$",
        description="E.164, such as +12025550123; whether it is in use, notifications looks",
    )
    zone: ZoneName | None = None
    wants_email: bool = False
    wants_texts: bool = False
    wording_version: str = Field(min_length=1, max_length=80)
