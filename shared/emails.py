"""E-mail addresses as bodies have them."""

from typing import Annotated

from pydantic import Field

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"

Email = Annotated[
    str, Field(pattern=rf"^{_ATOM}(\.{_ATOM})*@({_LABEL}\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]$", max_length=254)
]
"""Words and dots before a domain's name, in ASCII (RFC 5321, without quoted words and addresses in brackets): what any
mail server takes. A name in another script is written as its `xn--` form.
"""
