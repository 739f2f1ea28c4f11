"""Examples of bodies, and the strictness that comes with them."""

from typing import Any

from pydantic import ConfigDict

ID = "0199f3a2-7c1e-7b6a-9d53-2f1f6a1c9e10"
SLOT = "AZnzonwee2qdUy8fahyeEGmoOuBppbQARYCDkcbd4oLoFPPVTAY3xQ"


def example(**values: Any) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"example": values})
