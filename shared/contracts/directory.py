"""What availability tells booking's pages: how a practice and its providers, places and types are called.

Names stay out of events; a page asks for them when it needs them.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from pydantic import ConfigDict

from shared.contracts.availability import Modality
from shared.contracts.envelope import Contract

_ID = "0199f3a2-7c1e-7b6a-9d53-2f1f6a1c9e10"


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"example": values})


_PROVIDER = {"id": _ID, "name": "Dr. Ada Okoro"}
_LOCATION = {"id": _ID, "name": "Elm Street 4", "modality": "in_person"}
_TYPE = {"id": _ID, "name": "Follow-up", "intake": False, "duration": "PT50M"}


class NamedProvider(Contract):
    """Somebody who sees clients."""

    model_config = _example(**_PROVIDER)

    id: UUID
    name: str


class NamedLocation(Contract):
    """A site, or telehealth."""

    model_config = _example(**_LOCATION)

    id: UUID
    name: str
    modality: Modality


class NamedType(Contract):
    """A kind of visit."""

    model_config = _example(**_TYPE)

    id: UUID
    name: str
    intake: bool
    duration: timedelta


class Directory(Contract):
    """A practice as its clients know it."""

    model_config = _example(
        name="Maple",
        zone="America/New_York",
        providers=[_PROVIDER],
        locations=[_LOCATION],
        appointment_types=[_TYPE],
    )

    name: str
    zone: str
    providers: tuple[NamedProvider, ...]
    locations: tuple[NamedLocation, ...]
    appointment_types: tuple[NamedType, ...]
