"""The signature by which a carrier's requests to us are known (Twilio's)."""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha1
from hmac import compare_digest
from hmac import new as hmac

from shared.errors import forbidden


def signature(auth_token: str, url: str, form: Mapping[str, str]) -> str:
    """Base64 of HMAC-SHA1 over the external address and the form's fields, sorted by name."""
    text = url + "".join(name + form[name] for name in sorted(form))
    return b64encode(hmac(auth_token.encode(), text.encode(), sha1).digest()).decode()


def verify_signature(auth_tokens: Iterable[str], url: str, form: Mapping[str, str], given: str) -> None:
    """By any of our carriers. Raises Problem `signature_invalid` (403)."""
    if not any(compare_digest(signature(token, url, form).encode(), given.encode()) for token in auth_tokens):
        raise forbidden("signature_invalid", "The carrier's signature does not fit this address and form.")
