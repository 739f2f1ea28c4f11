"""What availability tells booking's pages: how a practice and its providers, places and types are called.

Names stay out of events; a page asks for them when it needs them.
"""

from datetime import timedelta
from uuid import UUID

from shared.contracts.availability import Modality
from shared.contracts.envelope import Contract


class NamedProvider(Contract):
    id: UUID
    name: str


class NamedLocation(Contract):
    id: UUID
    name: str
    modality: Modality


class NamedType(Contract):
    id: UUID
    name: str
    intake: bool
    duration: timedelta


class Directory(Contract):
    """A practice as its clients know it."""

    name: str
    zone: str
    providers: tuple[NamedProvider, ...]
    locations: tuple[NamedLocation, ...]
    appointment_types: tuple[NamedType, ...]
