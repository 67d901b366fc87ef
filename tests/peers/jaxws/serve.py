"""A real peer for provisioning: Metro (JAX-WS RI 2.3), the SOAP stack that GlassFish hosts.

Needs Debian's libjaxws-java and openjdk-17-jdk-headless ($JAVA_HOME is honoured).

    python serve.py [--port P] [--hang-ms N] [--work-ms N]

compiles the Java sources beside it into a temporary folder, serves on loopback until SIGTERM or
Ctrl-C, and prints `READY jaxws url=…` (port 0, the default, takes any free one). Starting takes
six to eight seconds; a missing package ends it at once with exit code 2 and its name.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType

HERE = Path(__file__).resolve().parent
DEBIAN_JARS = Path("/usr/share/java")
JARS = """FastInfoset codemodel dtd-parser geronimo-annotation-1.3-spec gmbal istack-commons-runtime
istack-commons-tools javax.activation javax.xml.soap-api jaxb-api jaxb-core jaxb-impl jaxb-jxc
jaxb-runtime jaxb-xjc jaxws-api jaxws-ri-httpspi-servlet jaxws-ri-runtime jaxws-ri-servlet jaxws-rt
jaxws-tools jws-api metro-policy mimepull relaxngDatatype rngom saaj-impl stax-ex streambuffer txw2
woodstox-core xml-resolver xsom""".split()  # noqa: SIM905


def missing() -> str:
    """What has to be installed before this peer can start; empty when nothing is missing."""
    if jdk() is None:
        return "no JDK: apt-get install openjdk-17-jdk-headless"
    if not (DEBIAN_JARS / "jaxws-rt.jar").exists():
        return "Metro not found: apt-get install libjaxws-java"
    return ""


def jdk() -> Path | None:
    """The folder of a JDK's tools: $JAVA_HOME, Debian's 17, or whatever javac is in PATH."""
    homes = [
        os.environ.get("JAVA_HOME", ""),
        *map(str, Path("/usr/lib/jvm").glob("java-17-openjdk-*")),
    ]
    for home in filter(None, homes):
        if (Path(home) / "bin" / "javac").exists():
            return Path(home) / "bin"
    javac = shutil.which("javac")
    return Path(javac).resolve().parent if javac else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--hang-ms", type=int, default=30_000)
    parser.add_argument("--work-ms", type=int, default=300)
    options = parser.parse_args()
    if lack := missing():
        print(lack, file=sys.stderr)
        sys.exit(2)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    with tempfile.TemporaryDirectory(prefix="club-jaxws-") as folder:
        compile_into(folder)
        serve(folder, options)


def end(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def compile_into(folder: str) -> None:
    sources = sorted(map(str, HERE.glob("*.java")))
    flags = ["-nowarn", "-encoding", "UTF-8", "-cp", class_path(folder), "-d", folder]
    subprocess.run([tool("javac"), *flags, *sources], check=True, stdout=sys.stderr)
    # Wrapper beans made ahead of time: making them at run time needs an asm that Debian's jars lack.
    generate = ["com.sun.tools.ws.WsGen", "-cp", class_path(folder), "-d", folder]
    subprocess.run(
        [tool("java"), "-cp", class_path(folder), *generate, "club.peer.Subscribers"],
        check=True,
        stdout=sys.stderr,
    )


def serve(folder: str, options: argparse.Namespace) -> None:
    child = subprocess.Popen(
        [
            tool("java"),
            # Without it an answer waits for a delayed acknowledgement: 19 calls/s instead of 150.
            "-Dsun.net.httpserver.nodelay=true",
            "-Dfile.encoding=UTF-8",
            f"-Dclub.hang_ms={options.hang_ms}",
            f"-Dclub.work_ms={options.work_ms}",
            "-Xmx128m",
            "-cp",
            class_path(folder),
            "club.peer.Subscribers",
            str(options.port),
        ],
        stdin=subprocess.DEVNULL,
    )
    try:
        sys.exit(child.wait() or 1)  # It never ends by itself unless something is wrong.
    finally:
        child.terminate()
        child.wait(timeout=20)


def tool(name: str) -> str:
    folder = jdk()
    assert folder is not None, "missing() was asked first"
    return str(folder / name)


def class_path(folder: str) -> str:
    jars = [DEBIAN_JARS / f"{name}.jar" for name in JARS]
    return os.pathsep.join([folder, *(str(jar) for jar in jars if jar.exists())])


if __name__ == "__main__":
    main()
