"""Going to addresses that somebody outside has named: only to the open internet, and to where was looked."""

from shared.outside.addresses import Resolver, is_public, resolve
from shared.outside.targets import OutsideError, Target, address_of, check_url, request_parts, target_of

__all__ = [
    "OutsideError",
    "Resolver",
    "Target",
    "address_of",
    "check_url",
    "is_public",
    "request_parts",
    "resolve",
    "target_of",
]
