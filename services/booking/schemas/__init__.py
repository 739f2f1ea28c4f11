"""HTTP bodies of booking, a module per part of the domain."""

from services.booking.schemas.appointments import (
    Alternative,
    AppointmentBody,
    AppointmentPage,
    Cancellation,
    HistoryBody,
    HistoryEntry,
    Move,
    NewAppointment,
    Override,
    Retraction,
)
from services.booking.schemas.clients import ClientBody, NewClient
from services.booking.schemas.holds import HoldBody, NewHold
from services.booking.schemas.policy import NewPolicy, PolicyBody
from services.booking.schemas.series import (
    AskedSeries,
    NewSeries,
    Occurrence,
    Refusal,
    SeriesBody,
    SeriesCancellation,
    SeriesMove,
    SeriesPreview,
)

__all__ = [
    "Alternative",
    "AppointmentBody",
    "AppointmentPage",
    "AskedSeries",
    "Cancellation",
    "ClientBody",
    "HistoryBody",
    "HistoryEntry",
    "HoldBody",
    "Move",
    "NewAppointment",
    "NewClient",
    "NewHold",
    "NewPolicy",
    "NewSeries",
    "Occurrence",
    "Override",
    "PolicyBody",
    "Refusal",
    "Retraction",
    "SeriesBody",
    "SeriesCancellation",
    "SeriesMove",
    "SeriesPreview",
]
