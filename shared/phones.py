"""Phone numbers, by the plans of all countries (libphonenumber's).

The plans are read where a number is looked at: most processes have no use for them.
"""

from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, Field

HOME = "US"
"""Where a number without a country's code is from."""
MOST_OF_AN_AREA = 4
"""No area code lies in more time zones; a number without an area has all of its continent's."""


def read(text: str) -> str | None:
    """A number as people write it, in E.164; None where it is none that anybody could have."""
    import phonenumbers  # see above

    try:
        number = phonenumbers.parse(text, HOME)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number) or number.extension:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@lru_cache(maxsize=1024)  # looked at twice for each text: may it go, and what stands in the way
def takes_texts(e164: str) -> bool:
    """False for a landline, where its country's numbers tell; in North America only the carrier knows."""
    import phonenumbers  # see above

    kinds = phonenumbers.PhoneNumberType
    without = (kinds.FIXED_LINE, kinds.PREMIUM_RATE, kinds.SHARED_COST, kinds.PAGER, kinds.UAN, kinds.VOICEMAIL)
    try:
        return phonenumbers.number_type(phonenumbers.parse(e164)) not in without
    except phonenumbers.NumberParseException:
        return False


def is_taken_along(e164: str) -> bool:
    """True for North America's numbers: where they are from says little of where their owners are."""
    return e164.startswith("+1")


def zones_of(e164: str) -> tuple[str, ...]:
    """The time zones in which a number's country or region is; none where all of North America could be meant."""
    import phonenumbers  # see above
    from phonenumbers import timezone

    try:
        found = timezone.time_zones_for_number(phonenumbers.parse(e164))
    except phonenumbers.NumberParseException:
        return ()
    if is_taken_along(e164) and len(found) > MOST_OF_AN_AREA:
        return ()
    return tuple(name for name in found if name != timezone.UNKNOWN_TIMEZONE)


def _known(value: str) -> str:
    if read(value) != value:
        raise ValueError("should be a number that is in use, such as +12025550123")
    return value


Phone = Annotated[
    str, Field(pattern=r"^\+[1-9][0-9]{6,14}$", description="E.164, such as +12025550123"), AfterValidator(_known)
]
