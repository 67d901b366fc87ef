"""A program of a run: says what it is about to do, does it until it is answered, writes the answer down.
It is killed at any time; whoever comes after it begins with what was left unanswered."""

import ctypes
import os
import signal
import time
from collections.abc import Callable
from random import Random
from typing import Any, Protocol

from django.db import DatabaseError, InterfaceError, connection

from chaos.cast import Cast
from chaos.diary import Diary, Outcome, Page
from club.errors import ClubError

DEADLOCK, TRY_AGAIN = "40P01", "40001"
PATIENCE_S = 90  # for one deed, over all the kills that meet it
PAUSE_S = 0.1


class Part(Protocol):
    """What a program does: chooses its deeds, learns from the answers."""

    name: str
    pause_s: float

    def learn(self, number: int, page: Page) -> None: ...

    def choose(self, number: int) -> dict[str, Any]: ...

    def perform(self, deed: dict[str, Any]) -> Outcome: ...


def play(part: Part, cast: Cast, *, seed: int) -> None:
    """Until SIGTERM, and then to the end of the deed under way."""
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopping.append(number))
    diary = Diary(cast.diary(part.name)).read()
    for number, page in diary.pages.items():
        part.learn(number, page)
    rng = Random(f"{seed}:{part.name}:pauses")
    number, pending = max(diary.pages, default=0), diary.pending
    if pending is not None:
        diary.lost(number)
    while pending is not None or not stopping:
        if pending is None:
            number += 1
            pending = Page(part.choose(number))
            diary.begin(number, pending.deed)
        pending.outcome = answered(number, pending, part, diary)
        diary.end(number, pending.outcome)
        part.learn(number, pending)
        pending = None
        time.sleep(rng.uniform(0, 2 * part.pause_s))


def answered(number: int, page: Page, part: Part, diary: Diary) -> Outcome:
    give_up_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_at:
        try:
            outcome = dict(part.perform(dict(page.deed)))
            if "again" in page.deed and outcome.get("fresh"):
                diary.fault(number, f"done a second time: {page.deed}")
            if outcome.get("conflicts"):
                diary.fault(number, f"a conflict with itself: {page.deed}")
            return outcome
        except ClubError as error:
            if "again" in page.deed:
                diary.fault(number, f"its repetition was refused, {error.code}: {page.deed}")
            return {"refused": error.code}
        except (DatabaseError, InterfaceError) as error:
            state = getattr(error.__cause__, "sqlstate", None) or ""
            # What a lost connection leaves is told by class 57 and 08, or by no state at all.
            if state not in ("", TRY_AGAIN) and state[:2] not in ("57", "08"):
                word = "a deadlock" if state == DEADLOCK else f"{state} {error}"
                diary.fault(number, f"{word}: {page.deed}")
                if state != DEADLOCK:
                    return {"refused": state}
            diary.lost(number)
            connection.close()
            time.sleep(PAUSE_S)
        except Exception as error:  # noqa: BLE001  whatever it is, it is a finding
            diary.fault(number, f"{type(error).__name__} {error}: {page.deed}")
            return {"refused": "failed"}
    diary.fault(number, f"not answered within {PATIENCE_S} s: {page.deed}")
    return {"refused": "not answered"}


def forked(work: Callable[[], None]) -> int:
    """The work in a process of its own, which ends with this one. The caller has no connection open."""
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        PR_SET_PDEATHSIG = 1
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if os.getppid() == parent:
            work()
            status = 0
    finally:
        os._exit(status)
