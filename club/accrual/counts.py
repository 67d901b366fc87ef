"""What became of what was brought: the answer of every intake (file, door, one message)."""

from dataclasses import dataclass, field
from typing import NamedTuple

from club.accrual.inbox import Receipt, Verdict


class RejectedLine(NamedTuple):
    """`line` counts from 1; None where the whole message or file is meant."""

    line: int | None
    code: str
    reason: str


@dataclass
class Counts:
    new: int = 0
    duplicate: int = 0
    conflicting: int = 0
    rejected: list[RejectedLine] = field(default_factory=list)

    @property
    def received(self) -> int:
        return self.new + self.duplicate + self.conflicting + len(self.rejected)

    def summary(self) -> str:
        """
        >>> Counts(new=3, duplicate=1).summary()
        'received 4, new 3, duplicate 1, conflicting 0, rejected 0'
        """
        return (
            f"received {self.received}, new {self.new}, duplicate {self.duplicate}, "
            f"conflicting {self.conflicting}, rejected {len(self.rejected)}"
        )

    def __iadd__(self, other: "Counts") -> "Counts":
        self.new += other.new
        self.duplicate += other.duplicate
        self.conflicting += other.conflicting
        self.rejected += other.rejected
        return self

    def add(self, receipt: Receipt) -> None:
        if receipt.verdict == Verdict.NEW:
            self.new += 1
        elif receipt.verdict == Verdict.DUPLICATE:
            self.duplicate += 1
        elif receipt.verdict == Verdict.CONFLICTING:
            self.conflicting += 1
        else:
            self.rejected.append(RejectedLine(receipt.line, receipt.code, receipt.reason))
