"""The four services of Rapport. None imports another; they meet in shared.contracts and on Kafka."""

import sys

# httpx brings a command line, which takes 3 MB of every process where the library for its colours happens to be
# installed. Without it httpx does as where it isn't.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type] # so an import is refused
