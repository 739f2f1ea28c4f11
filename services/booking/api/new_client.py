"""The form of somebody who books for the first time: who they are, and how they want to be reached."""

import re

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.bodies import Name
from shared.contracts.intake import Intake

WORDING = "booking-page-2026-11"
"""Of the sentences beside the two boxes; a change of them is a new version."""

_NAME: TypeAdapter[str] = TypeAdapter(Name)
WHAT_IS_RIGHT = {
    "name": "Enter your name.",
    "email": "Enter an e-mail address such as sam@example.org.",
    "phone": "Enter a phone number with its area code, such as 202 555 0123.",
}


class NewClientForm(BaseModel):
    """As it was filled in; nothing is required by the form itself, so that the page can say what is missing."""

    model_config = ConfigDict(extra="ignore")

    name: str = Field("", max_length=500)
    email: str = Field("", max_length=500)
    phone: str = Field("", max_length=100)
    mails: bool = False
    texts: bool = False

    def read(self, zone: str) -> tuple[Intake | None, dict[str, str]]:
        """What is to be kept; or None, and by field what would be right."""
        errors: dict[str, str] = {}
        try:
            _NAME.validate_python(self.name)
        except ValidationError:
            errors["name"] = WHAT_IS_RIGHT["name"]
        email, phone = self.email.strip() or None, read_phone(self.phone)
        if email is None and phone is None:
            errors["email"] = "Enter an e-mail address or a phone number, so that we can reach you."
        if self.texts and phone is None:
            errors["phone"] = "Enter the number that we may text."
        if self.mails and email is None:
            errors["email"] = "Enter the address that we may write to."
        try:
            intake = Intake(
                email=email,
                phone=phone,
                zone=zone,
                wants_email=self.mails,
                wants_texts=self.texts,
                wording_version=WORDING,
            )
        except ValidationError as error:
            for item in error.errors():
                errors.setdefault(str(item["loc"][0]), WHAT_IS_RIGHT[str(item["loc"][0])])
            return None, errors
        return (None, errors) if errors else (intake, {})


def read_phone(text: str) -> str | None:
    """A number as people write it, in E.164; ten digits are a North American one."""
    digits = re.sub(r"[\s().\-/]", "", text)
    if not digits:
        return None
    if re.fullmatch(r"[2-9]\d{9}", digits):
        return f"+1{digits}"
    if re.fullmatch(r"1[2-9]\d{9}", digits):
        return f"+{digits}"
    return digits
