"""A provisioning port whose answers a test writes down beforehand."""

from collections import deque
from collections.abc import Callable

from club.orders.ports import Outcome


class Killed(BaseException):
    """The worker is gone: nothing after the call runs, not even a handler of exceptions."""


class ScriptedProvisioning:
    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str]] = []
        self.asked: list[str] = []
        self._answers: deque[Outcome | Callable[[], Outcome]] = deque()

    def will_answer(self, *answers: Outcome | Callable[[], Outcome]) -> None:
        """In this order, whatever is called; an answer may be computed in the middle of the call."""
        self._answers.extend(answers)

    def submit(self, *, service_code: str, msisdn: str, request_id: str) -> Outcome:
        self.sent.append((service_code, msisdn, request_id))
        return self._next()

    def status(self, *, request_id: str) -> Outcome:
        self.asked.append(request_id)
        return self._next()

    def _next(self) -> Outcome:
        answer = self._answers.popleft()  # An unexpected call fails the test here.
        return answer() if callable(answer) else answer
