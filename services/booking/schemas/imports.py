"""Bodies about imports."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from services.booking.domain.imports import Outcome, Refusal
from services.booking.schemas.examples import example


class ImportedVisit(BaseModel):
    """A row that became a visit."""

    row: int
    appointment_id: UUID


class RefusedRow(BaseModel):
    """A row that can't be taken over, and what would be right."""

    model_config = example(
        row=7,
        external_id="EHR-20871",
        field="start",
        code="occupied",
        detail="The client has another visit at this time, that of row 3.",
        rule="client",
        appointment_id=None,
        other_row=3,
    )

    row: int = Field(description="Line of the table, its heading being 1; or the how-manieth event of a calendar")
    external_id: str | None
    field: str | None = Field(description="Column of the table, or property of the event")
    code: str
    detail: str
    rule: str | None = Field(description="What is occupied: visit, full, room or client")
    appointment_id: UUID | None = Field(description="The visit here that stands in the way")
    other_row: int | None = Field(description="The row of this file that stands in the way")

    @classmethod
    def of(cls, refusal: Refusal) -> "RefusedRow":
        shared: dict[str, Any] = {name: getattr(refusal, name) for name in cls.model_fields if name != "row"}
        return cls(row=refusal.number, **shared)


class ImportReport(BaseModel):
    """What became of a file's rows, or would become of them in a dry run: imported, unchanged or refused."""

    model_config = example(dry_run=True, rows=120, imported=0, unchanged=0, refused=1, visits=[], refusals=[])

    dry_run: bool = Field(description="True where nothing was written, whatever the figures")
    rows: int
    imported: int
    unchanged: int = Field(description="Rows whose visit is here already, just so")
    refused: int
    visits: list[ImportedVisit] = Field(description="The new visits; none in a dry run")
    refusals: list[RefusedRow]

    @classmethod
    def of(cls, outcome: Outcome, *, dry_run: bool) -> "ImportReport":
        made = [] if dry_run else outcome.imported
        return cls(
            dry_run=dry_run,
            **outcome.counts(),
            visits=[ImportedVisit(row=row, appointment_id=id) for row, id in made],
            refusals=[RefusedRow.of(item) for item in outcome.refusals],
        )
