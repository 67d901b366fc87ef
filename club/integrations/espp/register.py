"""Taking in a daily register: what the feed brought already is known, the rest goes in now."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from django.db import transaction

from club.accrual import inbox
from club.accrual.counts import Counts
from club.accrual.intake import sha256_of
from club.accrual.models import Kind, Register
from club.errors import ClubError
from club.integrations.espp import agents, queries
from club.integrations.espp.refusals import Unreadable
from club.integrations.espp.register_format import (
    AgentPayment,
    Line,
    Reader,
    Summary,
    payment_of,
    write_csv,
    write_xml,
)
from club.integrations.espp.values import sum_text

__all__ = ["AgentPayment", "take", "write_csv", "write_xml"]

CHUNK_LINES = 2_000
REJECTED_MAX = 10_000
"""A file with more bad lines than this is no register; it stops there, and can be sent again."""


def take(
    register: str | Path | BinaryIO,
    *,
    name: str,
    now: datetime,
    subject: str | None = None,
    echo: Callable[[str], None] = lambda line: None,
) -> Counts:
    """Give every payment of a register to the inbox; say what became of each.

    Two thousand lines are one transaction. A line that cannot be taken is kept with its number
    and reason, and the others go in; so does the part before the place where a file breaks off.
    The same file again changes nothing: all its payments are duplicates then. `subject` is
    whose certificate brought it, as in `agents.admit`: nobody brings another's payments. `echo`
    is told how far it is. A stream is seekable and
    stands at its start. Raises FileTooLarge for over 512 MB, before anything is taken; OSError.
    """
    if isinstance(register, str | Path):
        with Path(register).open("rb") as stream:
            return _take(stream, name=name, now=now, subject=subject, echo=echo)
    return _take(register, name=name, now=now, subject=subject, echo=echo)


def _take(
    stream: BinaryIO,
    *,
    name: str,
    now: datetime,
    subject: str | None,
    echo: Callable[[str], None],
) -> Counts:
    row = inbox.open_register(
        source=queries.SOURCE, name=name, sha256=sha256_of(stream, what="a register"), now=now
    )
    reader = Reader(stream)
    taking = _Taking(row=row, now=now, subject=subject)
    counts = taking.counts
    for chunk in _chunks(reader):
        taking.take(chunk)
        echo(f"{counts.received:,} lines")
        if len(counts.rejected) > REJECTED_MAX:
            taking.reject(Unreadable(f"over {REJECTED_MAX:,} bad lines: the rest is not read"))
            return counts
    for problem in taking.problems(reader.summary):
        taking.reject(problem)
    return counts


class _Taking:
    """One register under way: what it came to so far, and what its lines add up to."""

    def __init__(self, *, row: Register, now: datetime, subject: str | None) -> None:
        self.counts = Counts()
        self._row, self._now, self._subject = row, now, subject
        self._sum_tiyin = 0

    @transaction.atomic
    def take(self, lines: list[Line]) -> None:
        incoming: list[inbox.Incoming] = []
        for line in lines:
            try:
                if line.problem:
                    raise line.problem
                payment = payment_of(line.text)
                self._sum_tiyin += payment.amount_tiyin
                incoming.append(self._incoming(payment, line))
            except ClubError as error:
                self.reject(error, line)
        for receipt in inbox.receive(incoming, now=self._now, register=self._row):
            self.counts.add(receipt)

    def _incoming(self, payment: AgentPayment, line: Line) -> inbox.Incoming:
        agent = agents.admit(payment.agent, contract=None, subject=self._subject)
        return inbox.Incoming(
            source=queries.SOURCE,
            kind=Kind.PAYMENT,
            external_id=queries.external_id(agent.code, payment.payment_id),
            msisdn=payment.msisdn,
            occurred_at=payment.paid_at,
            amount_tiyin=payment.amount_tiyin,
            channel=agent.channel,
            details=queries.details(agent.code, payment.espp_id, payment.terminal),
            line=line.number,
            raw=line.text,
        )

    def reject(self, problem: ClubError, line: Line | None = None) -> None:
        """Without a line it is the register as a whole that has the problem."""
        receipt = inbox.reject(
            source=queries.SOURCE,
            code=problem.code,
            reason=problem.message,
            raw=line.text if line else "",
            line=line.number if line else None,
            now=self._now,
            register=self._row,
        )
        self.counts.add(receipt)

    def problems(self, summary: Summary) -> Iterator[ClubError]:
        lines = self.counts.received
        if not lines:
            yield Unreadable("the register holds no payments")
        if summary.payments not in (None, lines):
            yield Unreadable(
                f"the summary names {summary.payments} payments, the register holds {lines}"
            )
        if summary.sum_tiyin not in (None, self._sum_tiyin):
            yield Unreadable(
                f"the summary names a sum of {sum_text(summary.sum_tiyin or 0)}, "
                f"the lines that can be read add up to {sum_text(self._sum_tiyin)}"
            )


def _chunks(lines: Iterable[Line]) -> Iterator[list[Line]]:
    each = iter(lines)
    while chunk := list(islice(each, CHUNK_LINES)):
        yield chunk
