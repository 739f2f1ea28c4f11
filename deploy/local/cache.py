"""Downloads: fetched once into the user's cache folder, checked against pinned digests, shared by all clones."""

import hashlib
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deploy.local.errors import StackError

PINNED = Path(__file__).parent / "jars.txt"
MIRROR = "RAPPORT_MAVEN_MIRROR"
CHUNK = 1 << 20

Set = Literal["kafka", "zipkin"]


@dataclass(frozen=True)
class Jar:
    """One pinned artifact of Maven Central."""

    sha256: str
    group: str
    artifact: str
    version: str
    classifier: str = ""

    @property
    def file_name(self) -> str:
        return f"{self.artifact}-{self.version}{'-' + self.classifier if self.classifier else ''}.jar"

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/rapport`, by default `~/.cache/rapport`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "rapport"


def pinned(wanted: Set) -> list[Jar]:
    lines = (line.split() for line in PINNED.read_text().splitlines() if line and not line.startswith("#"))
    return [Jar(digest, *coordinates.split(":")) for name, digest, coordinates in lines if name == wanted]


def jars(wanted: Set) -> list[Path]:
    """The files of a set, fetched where they are missing. Raises StackError naming what can't be had."""
    folder = cache_folder() / "jars"
    wanted_jars = pinned(wanted)
    missing = [jar for jar in wanted_jars if not (folder / jar.file_name).exists()]
    if missing:
        print(f"fetching {wanted}: {len(missing)} files into {folder}", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda jar: _fetch(jar, folder), missing))
    return [folder / jar.file_name for jar in wanted_jars]


def _fetch(jar: Jar, folder: Path) -> None:
    # Imported here: it takes half a second, and a second start needs none of it.
    from jgo.maven import MavenContext

    mirror = os.environ.get(MIRROR)
    context = MavenContext(
        repo_cache=cache_folder() / "m2", remote_repos={"mirror": mirror} if mirror else None, timeout=120
    )
    try:
        component = context.project(jar.group, jar.artifact).at_version(jar.version)
        got = Path(component.artifact(jar.classifier, "jar").resolve())
    except Exception as error:
        # jgo raises whatever its HTTP library or its parser raises; all of it means "not to be had".
        raise StackError(
            f"{jar} can't be fetched from Maven Central ({type(error).__name__}); check the network, set "
            f"{MIRROR} to a mirror's address, or set KAFKA_BOOTSTRAP_SERVERS to a Kafka of your own."
        ) from error
    keep(got, folder / jar.file_name, jar.sha256)


def keep(got: Path, target: Path, sha256: str) -> None:
    """Moves a checked file to its place in one step. Raises StackError, and drops the file, when it is another one."""
    found = digest(got)
    if found != sha256:
        got.unlink()
        raise StackError(
            f"{target.name} is not the file that was expected (sha256 {found}, pinned {sha256}); it was dropped. "
            f"Try again, and if it stays so, ask who changed it."
        )
    part = target.with_suffix(f".{os.getpid()}.part")
    shutil.move(got, part)
    part.replace(target)


def digest(path: Path) -> str:
    """sha256 of a file, in hex."""
    total = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(CHUNK):
            total.update(block)
    return total.hexdigest()
