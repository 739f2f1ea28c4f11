"""Why a feed can't be read."""


class FeedError(Exception):
    """A feed that can't be had or can't be read. `code` is stable, `detail` a sentence that never quotes the address;
    `line` is the line of the feed at fault, counted from 1."""

    def __init__(self, code: str, detail: str, line: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.line = line
