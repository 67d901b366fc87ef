"""The same deed many times at once. Real threads, real transactions."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from club.messages.models import Message
from club.signin.errors import ClubError
from club.signin.models import Family, OneTimeCode, RefreshToken

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 8


def at_once(deed: Callable[[], object]) -> Counter[str]:
    """How the deed ended in each of eight threads that start together: "done" or an error's code."""
    start = Barrier(THREADS)

    def run() -> str:
        try:
            start.wait()
            deed()
            return "done"
        except ClubError as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return Counter(future.result() for future in [pool.submit(run) for _ in range(THREADS)])


def test_parallel_tries_are_five_all_the_same(phone):
    phone.asks()
    wrong = phone.wrong()

    assert at_once(lambda: phone.enters(wrong)) == {"code_wrong": 5, "code_expired": 3}
    assert OneTimeCode.objects.get().tries_left == 0


def test_the_right_code_sent_many_times_at_once_signs_in_once(phone):
    phone.asks()
    code = phone.read()

    assert at_once(lambda: phone.enters(code)) == {"done": 1, "code_expired": 7}
    assert Family.objects.count() == 1


def test_codes_asked_for_at_once_stay_within_the_limit(phone):
    assert at_once(phone.asks) == {"done": 3, "too_many_requests": 5}
    assert Message.objects.count() == 3
    assert OneTimeCode.objects.count() == 1


def test_one_refresh_token_used_at_once_leaves_one_living_token(phone):
    issued = phone.signs_in()

    assert at_once(lambda: phone.refreshes(issued.refresh_token)) == {"done": THREADS}

    living = RefreshToken.objects.filter(used_at=None, replaced_at=None)
    assert living.count() == 1
