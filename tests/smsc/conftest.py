from collections.abc import Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.smsc_centre import Centre, npm_peer, simulator, started


@pytest.fixture(scope="session")
def running_simulator() -> Iterator[Centre]:
    with started(simulator()) as centre:
        yield centre


@pytest.fixture(scope="session")
def running_peer() -> Iterator[Centre]:
    with started(npm_peer()) as centre:
        yield centre


@pytest.fixture
def simulated(running_simulator: Centre) -> Centre:
    """Our simulator, as new: for what only it can be told to do."""
    running_simulator.reset()
    return running_simulator


@pytest.fixture(params=["simulator", pytest.param("npm peer", marks=pytest.mark.peer("node"))])
def centre(request: pytest.FixtureRequest) -> Centre:
    """The simulator and the foreign centre in turn, as new."""
    name = "running_simulator" if request.param == "simulator" else "running_peer"
    running: Centre = request.getfixturevalue(name)
    running.reset()
    return running


@pytest.fixture(params=["simulator", pytest.param("npm peer", marks=pytest.mark.peer("node"))])
def mortal_centre(request: pytest.FixtureRequest) -> Iterator[Centre]:
    """A centre of this test's own, to be stopped and started again."""
    with started(simulator() if request.param == "simulator" else npm_peer()) as running:
        yield running


@pytest.fixture
def outbox_tables(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The outbox's tables, empty and committed to: the service reads them by its own connection."""
    from club.messages.models import EarlyReceipt, Inbound, Message, Template

    with django_db_blocker.unblock():
        for model in (Message, EarlyReceipt, Inbound, Template):
            model.objects.all().delete()
        Template.objects.create(code="test", texts={"en": "{text}"})
        yield
        for model in (Message, EarlyReceipt, Inbound, Template):
            model.objects.all().delete()
