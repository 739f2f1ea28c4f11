"""The ways out of the house: for each channel its vendors, the first one first."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from services.notifications.clients.breaker import Breaker
from services.notifications.clients.mail import MailServer
from services.notifications.clients.outbound import (
    CarrierRefused,
    CarrierUnavailable,
    HandedOver,
    Outbound,
    Unavailable,
    Vendor,
)
from services.notifications.clients.phone import PhoneCarrier, Taken
from services.notifications.domain.model import Begun
from services.notifications.settings import Settings
from shared.clock import Clock
from shared.contracts.notifications import Channel
from shared.wire import Wire

T = TypeVar("T")
SKEW = timedelta(minutes=1)
"""How far a carrier's clock may be ahead of or behind ours."""


@dataclass(frozen=True, slots=True)
class Carriers:
    """Vendors by channel, each behind a breaker of its own."""

    vendors: Mapping[Channel, Sequence[Vendor]]
    breakers: dict[str, Breaker] = field(default_factory=dict)

    def choose(self, channel: Channel, failed: str | None = None) -> Vendor:
        """The first vendor that isn't left alone, rather not the one that failed last; else the first one."""
        vendors = self.vendors[channel]
        ready = [vendor for vendor in vendors if not self._breaker(vendor).is_open]
        return next((vendor for vendor in ready if vendor.name != failed), ready[0] if ready else vendors[0])

    def named(self, channel: Channel, name: str) -> Vendor | None:
        """None where the deployment has that vendor no more."""
        return next((vendor for vendor in self.vendors[channel] if vendor.name == name), None)

    def is_another_ready(self, channel: Channel, failed: Collection[str | None]) -> bool:
        """Whether there is another vendor to ask, now that these have failed."""
        return any(vendor.name not in failed and not self._breaker(vendor).is_open for vendor in self.vendors[channel])

    async def hand_over(self, channel: Channel, vendor: Vendor, message: Outbound) -> HandedOver:
        """Raises CarrierRefused, CarrierUnavailable or OutcomeUnknown."""
        carrier_id = await self._ask(vendor, lambda: vendor.send(message))
        return HandedOver(channel, vendor.name, carrier_id)

    async def status(self, channel: Channel, vendor: str | None, carrier_id: str) -> tuple[str, int | None]:
        """What a carrier says has become of a message, and its error code.

        Raises Unavailable, or CarrierRefused where it doesn't know the message.
        """
        carrier = self.named(channel, vendor) if vendor else self.vendors[channel][0]
        if not isinstance(carrier, PhoneCarrier):
            return "unknown", None
        return await self._ask(carrier, lambda: carrier.status(carrier_id))

    async def taken(self, begun: Begun) -> list[Taken] | None:
        """What the vendor that was asked has in its list for that number since; None where it keeps none.

        Raises Unavailable.
        """
        vendor = self.named(begun.channel, begun.vendor)
        if not isinstance(vendor, PhoneCarrier) or begun.address is None or begun.sender is None:
            return None
        address, sender, since = begun.address, begun.sender, begun.begun_at - SKEW
        try:
            # Its list may be away while it takes texts, and the other way round.
            return await self._ask(vendor, lambda: vendor.taken(address, sender, since), f"{vendor.name}_list")
        except CarrierRefused:
            return None

    async def _ask(self, vendor: Vendor, question: Callable[[], Awaitable[T]], part: str | None = None) -> T:
        """The vendor's answer, unless it is left alone, or this part of it."""
        breaker = self._breaker(vendor, part)
        try:
            looks = breaker.enter()
        except CarrierUnavailable as error:
            error.vendor = vendor.name
            raise
        try:
            answer = await question()
        except CarrierRefused:
            breaker.worked()
            raise
        except Unavailable as error:
            if isinstance(error, CarrierUnavailable):
                error.vendor = vendor.name
            if isinstance(error, CarrierUnavailable) and error.of_address:
                breaker.worked()
            else:
                breaker.failed(error.after)
            raise
        except BaseException:
            # Broken off, or a fault of ours: neither says anything of the vendor.
            breaker.left(looks)
            raise
        breaker.worked()
        return answer

    def _breaker(self, vendor: Vendor, part: str | None = None) -> Breaker:
        name = part or vendor.name
        return self.breakers.setdefault(name, Breaker(name))


def open_carriers(settings: Settings, wire: Wire, clock: Clock) -> Carriers:
    """The vendors that the settings name."""
    account = (settings.sms_account_sid, settings.sms_auth_token)
    knows, first = settings.sms_knows_repetitions, (settings.sms_api_url, *account, wire, clock)
    texts: list[Vendor] = [PhoneCarrier("sms", "sms", *first, knows_repetitions=knows)]
    calls: list[Vendor] = [PhoneCarrier("voice", "voice", *first, knows_repetitions=knows)]
    if settings.sms_2_api_url and settings.sms_2_account_sid and settings.sms_2_auth_token:
        other = (settings.sms_2_api_url, settings.sms_2_account_sid, settings.sms_2_auth_token, wire, clock)
        texts.append(PhoneCarrier("sms_2", "sms", *other, settings.sms_2_number, knows))
        calls.append(PhoneCarrier("voice_2", "voice", *other, settings.sms_2_number, knows))
    mails: list[Vendor] = [
        MailServer(
            "email",
            settings.smtp_host,
            settings.smtp_port,
            settings.smtp_username,
            settings.smtp_password,
            settings.smtp_starttls,
        )
    ]
    if settings.smtp_2_host is not None:
        mails.append(
            MailServer(
                "email_2",
                settings.smtp_2_host,
                settings.smtp_2_port,
                settings.smtp_2_username,
                settings.smtp_2_password,
                settings.smtp_2_starttls,
            )
        )
    return Carriers({"sms": texts, "voice": calls, "email": mails})
