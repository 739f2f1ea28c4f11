"""What the services say to each other: the event envelope and one frozen, versioned model per event.

`CATALOGUE` is the whole list. Payloads carry opaque ids and times, never a name, an address, a phone
number or free text. A published version is never changed: fields may be added with a default, and a
test holds every contract to the version published under `docs/events/`.
"""

from shared.contracts.availability import (
    AvailabilityOpened,
    CalendarRefreshed,
    CalendarStale,
    ProviderUnavailable,
    SchedulePublished,
    ScheduleWithdrawn,
)
from shared.contracts.booking import (
    AppointmentArrived,
    AppointmentAwaited,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentCheckedIn,
    AppointmentConfirmed,
    AppointmentEnteredInError,
    AppointmentFlagged,
    AppointmentFulfilled,
    AppointmentImported,
    AppointmentMissed,
    AppointmentMissedRetracted,
    AppointmentRescheduled,
    AppointmentRunningLate,
    ClientDischarged,
    ClientRegistered,
    SlotHeld,
    SlotReleased,
)
from shared.contracts.envelope import Envelope, Event, Malformed
from shared.contracts.feedback import (
    AllianceLow,
    BarrierReported,
    ClientDisengaging,
    ClientUnscheduled,
    FeedbackRequested,
    FeedbackSubmitted,
)
from shared.contracts.notifications import (
    CheckInAnswered,
    ConsentChanged,
    MessageDelivered,
    MessageFailed,
    MessageReceived,
    MessageSent,
    OutreachAdvanced,
    OutreachEnded,
    OutreachStarted,
    QuestionAnswered,
    TaskClosed,
    TaskOpened,
)
from shared.contracts.waitlist import (
    WaitlistFilled,
    WaitlistJoined,
    WaitlistLeft,
    WaitlistOffered,
    WaitlistOfferEnded,
)

APPOINTMENT_EVENTS: tuple[type[Event], ...] = (
    AppointmentBooked,
    AppointmentImported,
    AppointmentRescheduled,
    AppointmentRunningLate,
    AppointmentCancelled,
    AppointmentCheckedIn,
    AppointmentArrived,
    AppointmentAwaited,
    AppointmentFulfilled,
    AppointmentMissed,
    AppointmentMissedRetracted,
    AppointmentConfirmed,
    AppointmentEnteredInError,
    AppointmentFlagged,
)

CATALOGUE: tuple[type[Event], ...] = (
    SchedulePublished,
    ScheduleWithdrawn,
    ProviderUnavailable,
    AvailabilityOpened,
    CalendarStale,
    CalendarRefreshed,
    ClientRegistered,
    ClientDischarged,
    SlotHeld,
    SlotReleased,
    *APPOINTMENT_EVENTS,
    WaitlistJoined,
    WaitlistFilled,
    WaitlistLeft,
    WaitlistOffered,
    WaitlistOfferEnded,
    MessageSent,
    MessageDelivered,
    MessageFailed,
    MessageReceived,
    ConsentChanged,
    OutreachStarted,
    OutreachAdvanced,
    OutreachEnded,
    TaskOpened,
    TaskClosed,
    QuestionAnswered,
    CheckInAnswered,
    FeedbackRequested,
    FeedbackSubmitted,
    BarrierReported,
    AllianceLow,
    ClientUnscheduled,
    ClientDisengaging,
)

BY_TYPE: dict[str, type[Event]] = {event.type: event for event in CATALOGUE}

__all__ = ["APPOINTMENT_EVENTS", "BY_TYPE", "CATALOGUE", "Envelope", "Event", "Malformed"]
