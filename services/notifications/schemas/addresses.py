"""Addresses as bodies have them."""

from typing import Annotated

from pydantic import Field

Email = Annotated[str, Field(pattern=r"^[^@\s<>,;\"]+@[^@\s<>,;\"]+\.[^@\s<>,;\"]+$", max_length=254)]
