"""What notifications talks to: mail servers, carriers, and booking."""

from services.notifications.clients.booking import Booking
from services.notifications.clients.carriers import Carriers, open_carriers
from services.notifications.clients.outbound import (
    CarrierRefused,
    CarrierUnavailable,
    HandedOver,
    Outbound,
    OutcomeUnknown,
    Unavailable,
    Vendor,
    digest_of,
)
from services.notifications.clients.phone import because_of
from services.notifications.clients.signing import signature, verify_signature

__all__ = [
    "Booking",
    "CarrierRefused",
    "CarrierUnavailable",
    "Carriers",
    "HandedOver",
    "Outbound",
    "OutcomeUnknown",
    "Unavailable",
    "Vendor",
    "because_of",
    "digest_of",
    "open_carriers",
    "signature",
    "verify_signature",
]
