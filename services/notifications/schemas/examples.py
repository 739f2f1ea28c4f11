"""Values that examples share."""

from typing import Any

from pydantic import ConfigDict

ID = "0199f3a2-7c1e-7b6a-9d53-2f1f6a1c9e10"
AT = "2026-03-02T15:04:05Z"


def example(**values: Any) -> ConfigDict:
    return ConfigDict(extra="forbid", from_attributes=True, json_schema_extra={"example": values})
