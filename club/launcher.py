"""`club run`: the whole club on one machine, as one program that ends without a trace.

Parent of the embedded PostgreSQL (unless DATABASE_URL is set), the web server, the worker, the
sender of SMS, and in the demo of the simulators of the operator's systems.
"""

import os
import secrets
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from club.errors import ClubError
from club.local_postgres import is_root, make_folder, require_server, running
from club.processes import Child, Family, Stopped

BASE = Path(__file__).resolve().parent.parent
LOOPBACK = "127.0.0.1"
READY_TIMEOUT_S = 120
APPLICATION_ROLE = "club_app"
CLUB = (sys.executable, "-m", "club")

Echo = Callable[[str], object]


class CannotRun(ClubError):
    """The message is one line for whoever typed `club run`."""

    code = "cannot_run"


def run(*, home: Path, port: int, database_url: str | None, is_demo: bool, echo: Echo) -> None:
    """Serve until a signal comes. Raises ClubError with one clear line when that is impossible."""
    require_free(port)
    with ExitStack() as stack:
        stack.enter_context(only_one_in(home))
        family = Family(environment={})
        family.listen_to_signals()
        if database_url is None:
            server = stack.enter_context(running(home / "postgres"))
            if server.folder != home / "postgres":
                echo(f"The database is in {server.folder}: its account cannot enter {home}.")
            assert server.process is not None
            family.watched.append(Child("the database", server.process))
            database_url = server.url()
        else:
            require_server(database_url)
        family.environment = environment_of(
            home=home, port=port, database_url=database_url, is_demo=is_demo
        )
        stack.callback(family.stop)
        try:
            start(family, port=port, database_url=database_url, is_demo=is_demo, echo=echo)
            family.watch()
        except Stopped:
            echo("Stopping.")


def start(family: Family, *, port: int, database_url: str, is_demo: bool, echo: Echo) -> None:
    if is_demo:
        start_simulators(family)
    steps = ("prepare", "--demo") if is_demo else ("prepare",)
    logins = family.run_to_end("the preparation of the database", *CLUB, *steps)

    application = {}
    if may_act_as(APPLICATION_ROLE, database_url=database_url):
        application["CLUB_DATABASE_ROLE"] = APPLICATION_ROLE
    family.start("the web server", *CLUB, "serve", environment=application)
    # Orphans find the database gone, too, and would wait for it: what they leave half done is
    # taken up again, so they may end at once.
    children = [("the worker", "worker"), ("the sender of SMS", "sms")]
    if os.environ.get("CLUB_BROKER_URL"):
        children.append(("the reader of the broker", "broker"))
    for name, command in children:
        family.start(name, *CLUB, command, environment=application, when_orphaned=signal.SIGKILL)
    wait_until_it_answers(family, port=port)
    echo(welcome(port=port, is_demo=is_demo, logins=logins))


def start_simulators(family: Family) -> None:
    """The operator's systems on ports of their own, told to everybody by the environment."""
    smsc, phone, glassfish, agent = free_port(), free_port(), free_port(), free_port()
    family.environment = {
        **family.environment,
        "CLUB_SMSC_HOST": LOOPBACK,
        "CLUB_SMSC_PORT": str(smsc),
        "CLUB_DEMO_PHONE_URL": f"http://{LOOPBACK}:{phone}",
        "CLUB_GLASSFISH_URL": f"http://{LOOPBACK}:{glassfish}/SubscriberService",
        "CLUB_DEMO_AGENT_URL": f"http://{LOOPBACK}:{agent}",
    }
    family.start(
        "the simulator of the message centre",
        sys.executable, "-m", "simulators.smsc", "--port", str(smsc), "--http-port", str(phone),
        is_last=True,
    )  # fmt: skip
    family.start(
        "the simulator of provisioning",
        sys.executable, "-m", "simulators.glassfish", "--port", str(glassfish),
        is_last=True,
    )  # fmt: skip
    intake = f"http://{LOOPBACK}:{family.environment.get('PORT', '8000')}/intake/espp"
    family.start(
        "the simulator of the payment agents",
        sys.executable, "-m", "simulators.espp", "--port", str(agent), "--club", intake,
        is_last=True,
    )  # fmt: skip


def simulate(*, echo: Echo) -> None:
    """`club simulators`: only these, until a signal comes; prints what to tell the others."""
    family = Family(environment=dict(os.environ))
    family.listen_to_signals()
    try:
        start_simulators(family)
        for name, value in family.environment.items():
            if os.environ.get(name) != value:
                echo(f"{name}={value}")
        family.watch()
    except Stopped:
        echo("Stopping.")
    finally:
        family.stop()


def environment_of(*, home: Path, port: int, database_url: str, is_demo: bool) -> dict[str, str]:
    given = dict(os.environ)
    given.pop("CLUB_DATABASE_ROLE", None)  # The preparation works as the owner.
    return given | {
        "DJANGO_SETTINGS_MODULE": "club.settings",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(BASE), given.get("PYTHONPATH", "")])),
        "CLUB_HOME": str(home),
        "CLUB_SECRET_KEY": given.get("CLUB_SECRET_KEY") or secret_key(home / "secret-key"),
        "CLUB_URL": given.get("CLUB_URL") or f"http://{LOOPBACK}:{port}",
        # A cookie knows no port: two clubs beside each other would log each other out.
        "CLUB_SESSION_COOKIE": given.get("CLUB_SESSION_COOKIE") or f"club_session_{port}",
        "CLUB_DEMO": "1" if is_demo else "0",
        "DATABASE_URL": database_url,
        "PORT": str(port),
    }


def secret_key(file: Path) -> str:
    """Made once for this installation; nobody else can read it."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text().strip()
    with os.fdopen(descriptor, "w") as stream:
        stream.write(secrets.token_urlsafe(48))
    return file.read_text()


@contextmanager
def only_one_in(home: Path) -> Iterator[None]:
    """Make CLUB_HOME, and hold it: two launchers on one database would stop each other's."""
    try:
        make_folder(home, mode=0o755)
        lock = (home / "lock").open("w")
    except OSError as error:
        raise CannotRun(f"{home} cannot be used ({error.strerror}): set CLUB_HOME") from error
    with lock:
        if sys.platform != "win32":
            import fcntl

            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise CannotRun(
                    f"another `club run` uses {home}: stop it, or give another CLUB_HOME and PORT"
                ) from error
        yield


def require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((os.environ.get("CLUB_LISTEN", LOOPBACK), port))
        except OSError as error:
            raise CannotRun(
                f"port {port} cannot be used ({error.strerror}): set PORT to another one"
            ) from error


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def may_act_as(role: str, *, database_url: str) -> bool:
    """Whether the application can run with fewer rights than the owner of the tables."""
    with psycopg.connect(database_url) as connection:
        found = connection.execute(
            "select pg_has_role(oid, 'member') from pg_roles where rolname = %s", [role]
        ).fetchone()
    return found == (True,)


def wait_until_it_answers(family: Family, *, port: int) -> None:
    listen = os.environ.get("CLUB_LISTEN", LOOPBACK)
    host = LOOPBACK if listen == "0.0.0.0" else listen  # noqa: S104
    deadline = time.monotonic() + READY_TIMEOUT_S
    while time.monotonic() < deadline:
        family.look()
        try:
            with urllib.request.urlopen(f"http://{host}:{port}/health/live", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise CannotRun(f"the web server did not answer within {READY_TIMEOUT_S} s")


def welcome(*, port: int, is_demo: bool, logins: str) -> str:
    at = os.environ.get("CLUB_URL") or f"http://{LOOPBACK}:{port}"
    lines = ["", f"Beeline Club runs as process {os.getpid()}; Ctrl-C stops it.", ""]
    if is_demo:
        lines.append(f"  demo phone   {at}/demo/phone/")
    lines += [
        f"  office       {at}/office/",
        f"  API          {at}/api/v1/docs",
        f"  health       {at}/health/ready",
        "",
    ]
    if logins.strip():
        lines += ["  office logins of the demo:", *(f"    {line}" for line in logins.splitlines())]
    if is_root():
        lines.append("  You are root; an ordinary user would do.")
    return "\n".join(lines)
