"""HTTP bodies of booking, a module per part of the domain."""

from services.booking.schemas.appointments import (
    Alternative,
    AppointmentBody,
    AppointmentPage,
    Cancellation,
    Correction,
    Delay,
    HistoryBody,
    HistoryEntry,
    Move,
    NewAppointment,
    Override,
    Retraction,
)
from services.booking.schemas.calendars import CalendarBody, CalendarList, Join, NewCalendar, NewCalendarBody
from services.booking.schemas.clients import ClientBody, Discharge, NewClient, PersonalLink
from services.booking.schemas.holds import HoldBody, NewHold
from services.booking.schemas.imports import ImportReport
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
from services.booking.schemas.waitlist import (
    EntryBody,
    EntryPage,
    NewEntry,
    NewWaitlistRules,
    OfferBody,
    OfferList,
    WaitlistRulesBody,
)

__all__ = [
    "Alternative",
    "AppointmentBody",
    "AppointmentPage",
    "AskedSeries",
    "CalendarBody",
    "CalendarList",
    "Cancellation",
    "ClientBody",
    "Correction",
    "Delay",
    "Discharge",
    "EntryBody",
    "EntryPage",
    "HistoryBody",
    "HistoryEntry",
    "HoldBody",
    "ImportReport",
    "Join",
    "Move",
    "NewAppointment",
    "NewCalendar",
    "NewCalendarBody",
    "NewClient",
    "NewEntry",
    "NewHold",
    "NewPolicy",
    "NewSeries",
    "NewWaitlistRules",
    "Occurrence",
    "OfferBody",
    "OfferList",
    "Override",
    "PersonalLink",
    "PolicyBody",
    "Refusal",
    "Retraction",
    "SeriesBody",
    "SeriesCancellation",
    "SeriesMove",
    "SeriesPreview",
    "WaitlistRulesBody",
]
