"""What the pages of notifications share."""

from pathlib import Path

from shared.pages import Pages

PAGES = Pages(Path(__file__).parent.parent / "pages")
