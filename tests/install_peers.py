"""What `make test-all` adds to a Debian machine: a JDK with Metro, a broker, a browser, npm
packages.

    python -m tests.install_peers

As root it installs what is missing. As anybody else it says what to install, and fails.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.missing import CHECKS, PEERS, missing

PACKAGES = (
    "openjdk-17-jdk-headless",
    "libjaxws-java",
    "rabbitmq-server",
    "chromium",
    "fonts-dejavu-core",
    "curl",
    "openssl",
)
POLICY = Path("/usr/sbin/policy-rc.d")


def main() -> None:
    if missing(["java", "chromium", "rabbitmq"]) or not all(map(shutil.which, ("curl", "openssl"))):
        install_debian_packages()
    install_npm_packages()
    if still := missing(CHECKS):
        sys.exit(still)


def install_debian_packages() -> None:
    command = ["apt-get", "install", "-y", "--no-install-recommends", *PACKAGES]
    if shutil.which("apt-get") is None:
        sys.exit(f"make test-all needs, by the names of Debian: {' '.join(PACKAGES)}")
    if os.geteuid() != 0:
        sys.exit(f"make test-all needs peers that only root can install:\n  {' '.join(command)}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with no_service_started():
        subprocess.run(["apt-get", "update", "-q"], check=True, env=environment)
        subprocess.run(command, check=True, env=environment)


@contextmanager
def no_service_started() -> Iterator[None]:
    """Debian starts what it installs; tests start their peers themselves."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def install_npm_packages() -> None:
    """By the hashes of their lock files, without running anything of theirs."""
    node = Path(sys.executable).parent / "node"
    for lock in sorted(PEERS.glob("*/package-lock.json")):
        installed = lock.parent / "node_modules" / ".package-lock.json"
        if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
            continue
        subprocess.run(
            [str(node.with_name("npm")), "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=lock.parent,
            env=os.environ | {"PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}"},
            check=True,
        )


if __name__ == "__main__":
    main()
