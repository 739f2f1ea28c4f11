"""Which e-mail addresses are taken."""

from email.headerregistry import Address

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.emails import Email

TAKEN = TypeAdapter[str](Email)
BAD = (
    *("anna@gmail.com.", "anna@gmail..com", "anna@.gmail.com", "anna@-x.com", "anna@x-.com", "anna@localhost", "anna"),
    *("anna:bob@gmail.com", "anna@g[mail.com", "anna[at]@gmail.com", "josé@example.org", "a\x07b@example.org"),
    *(".anna@example.org", "anna.@example.org", "an..na@example.org", "anna@example.org\n", "anna @example.org"),
    *(
        '"anna"@example.org',
        "anna@[10.0.0.1]",
        "anna@10.0.0.1",
        "anna@exämple.org",
        "a@b@example.org",
        "",
        "@example.org",
    ),
    "anna@example.org, bob@example.org",
    f"anna@{'x.' * 130}org",
)


@pytest.mark.parametrize("address", BAD)
def test_what_no_mail_server_takes_is_refused(address: str) -> None:
    with pytest.raises(ValidationError):
        TAKEN.validate_python(address)


@pytest.mark.parametrize(
    "address",
    ["sam@example.org", "Sam.O'Hara+care@mail.maple.example", "a_b-c=d@xn--exmple-cua.org", "1@2.co", "a@b.xn--p1ai"],
)
def test_usual_ones_are_taken_and_can_be_written_to(address: str) -> None:
    assert Address(addr_spec=TAKEN.validate_python(address)).addr_spec == address
