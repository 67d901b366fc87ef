"""A real broker: RabbitMQ as Debian has it, one node on loopback, of whoever runs the tests.

Debian's own wrapper insists on its user and its folders, so the script under it is run. The node has
an epmd of its own; killed and started again in the same folder, it has the queues it had.
"""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.ports import LOOPBACK, free_port, is_closed, is_open, wait_until

STOP_TIMEOUT_S = 30
GREETING = b"AMQP\x00\x00\x09\x01"  # AMQP 0-9-1, 4.2.2: the protocol header
A_METHOD = b"\x01"  # the same, 4.2.3: the type of a frame


@dataclass
class Broker:
    folder: Path
    port: int = field(default_factory=free_port)
    distribution_port: int = field(default_factory=free_port)
    epmd_port: int = field(default_factory=free_port)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@{LOOPBACK}:{self.port}/?heartbeat=10"

    def start(self) -> None:
        """Start, or start again, and wait until it answers."""
        (self.folder / "rabbitmq.conf").write_text(f"listeners.tcp.1 = {LOOPBACK}:{self.port}\n")
        (self.folder / "plugins").write_text("[].\n")
        epmd = shutil.which("epmd", path=f"{os.environ['PATH']}:/usr/bin:/usr/sbin")
        assert epmd is not None, "it comes with rabbitmq-server"
        self._spawn(epmd, "-port", str(self.epmd_port), "-address", LOOPBACK)
        wait_until(is_open, self.epmd_port)
        self._spawn(str(server_script()))
        wait_until(is_answering, self.port)

    def kill(self) -> None:
        """As a power cut would: nothing is said to anybody."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _spawn(self, *command: str) -> None:
        log = (self.folder / "output").open("ab")
        with log:
            self.processes.append(
                subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=self._environment(),
                    start_new_session=True,
                )
            )

    def _end(self, by: signal.Signals) -> None:
        while self.processes:
            process = self.processes.pop()
            with suppress(ProcessLookupError):
                os.killpg(process.pid, by)
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_TIMEOUT_S)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        # The node is a child of the script that was waited for, and may take longer to go.
        for port in (self.port, self.distribution_port, self.epmd_port):
            wait_until(is_closed, port)

    def _environment(self) -> dict[str, str]:
        return os.environ | {
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(self.epmd_port),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "RABBITMQ_NODENAME": f"club{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self.distribution_port),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "db"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }


@contextmanager
def started(folder: Path) -> Iterator[Broker]:
    broker = Broker(folder)
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


def server_script() -> Path:
    found = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server"))
    return found[-1]


def is_answering(port: int) -> bool:
    """Whether a broker is behind the port: it begins to tune as soon as it is greeted."""
    with socket.socket() as probe, suppress(OSError):
        probe.settimeout(1)
        probe.connect((LOOPBACK, port))
        probe.sendall(GREETING)
        return probe.recv(1) == A_METHOD
    return False
