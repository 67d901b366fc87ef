"""What every test stands on: a database of its own, and the rules about missing peers.

The database is cloned from a template that is migrated once for each state of the migrations.
Without DATABASE_URL the tests start a server of their own, in memory where there is enough; with it
they use that server, whose user must be allowed CREATE DATABASE.
"""

import os
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections
from django.test import TransactionTestCase

from club import translations
from club.local_postgres import is_root
from club.settings import database_settings
from tests import databases, missing

BASE = Path(__file__).resolve().parent.parent
SERVER = pytest.StashKey[ExitStack]()


def pytest_configure(config: pytest.Config) -> None:
    settings.SECRET_KEY = "of the tests"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # fast, here only
    settings.SEALS = BASE / ".club" / "no-seals"  # A test that seals brings a folder of its own.
    if is_worker(config) or config.option.collectonly:
        return
    translations.compile_stale()
    stack = config.stash[SERVER] = ExitStack()
    if "DATABASE_URL" not in os.environ:
        # The workers of xdist inherit the environment: one server for all of them.
        os.environ["DATABASE_URL"] = stack.enter_context(databases.own_server(BASE))
        stack.callback(os.environ.pop, "DATABASE_URL", None)


def pytest_unconfigure(config: pytest.Config) -> None:
    if stack := config.stash.get(SERVER, None):
        stack.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How much was tried, by each file whose tests say so: where chance chooses, little proves little."""
    tried: dict[str, Counter[str]] = {}
    for report in (*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")):
        for name, counts in report.user_properties:
            if name == "tried" and counts:
                tried.setdefault(report.location[0], Counter()).update(counts)
    for file, counts in sorted(tried.items()):
        figures = ", ".join(f"{what} {times:,}" for what, times in sorted(counts.items()))
        terminalreporter.write_line(f"tried in {file}: {figures}")


def is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """The address of this process's database, the one that Django uses in the tests."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw")
    with databases.cloned(os.environ["DATABASE_URL"], worker=worker, base=BASE) as url:
        yield url


@pytest.fixture
def own_database_url() -> Iterator[str]:
    """A database of one test's own, for whole programs whose commits nobody else should see."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw") + "_own"
    with databases.cloned(os.environ["DATABASE_URL"], worker=worker, base=BASE) as url:
        yield url


@pytest.fixture(scope="session")
def django_db_setup(database_url: str) -> Iterator[None]:
    """Points Django at that database. Replaces pytest-django's, which migrates at every run."""
    connections["default"].close()
    connections["default"].settings_dict.update(database_settings(database_url))

    def start_from_the_template(_: TransactionTestCase) -> None:
        # Django would TRUNCATE every table: the ledger refuses that, and what the migrations
        # wrote (Wagtail's root, the groups) would be gone for the next test.
        connections.close_all()
        databases.clone_again(database_url, base=BASE)

    TransactionTestCase._fixture_teardown = start_from_the_template  # type: ignore[method-assign]
    yield
    connections.close_all()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is true of root alone cannot be asked by anybody else: not skipped, not there."""
    if is_root():
        return
    elsewhere = [item for item in items if item.get_closest_marker("root")]
    config.hook.pytest_deselected(items=elsewhere)
    items[:] = [item for item in items if item not in elsewhere]


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in (*item.iter_markers("peer"), *item.iter_markers("browser")):
        needs = mark.args or (("chromium",) if mark.name == "browser" else ())
        if why := missing.missing(needs):
            pytest.skip(why)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """`make test-all` skips nothing: there, a test that skips itself has failed."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and missing.nothing_may_be_missing():
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped in `make test-all`: {report.longrepr}"
    return report
