"""What a program was about to do, and what it was answered: one line each, written before and after
the call. The kernel keeps a written line though its writer is killed; nothing here is a database.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Deed = Mapping[str, Any]
Outcome = Mapping[str, Any]


@dataclass
class Page:
    """One deed. Without an outcome nobody knows yet whether it was done."""

    deed: Deed
    outcome: Outcome | None = None
    unknown: int = 0
    """How often its answer was lost, and it was repeated."""

    @property
    def is_done(self) -> bool:
        return self.outcome is not None and "refused" not in self.outcome


@dataclass
class Diary:
    path: Path
    pages: dict[int, Page] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    _file: int | None = None

    def read(self) -> "Diary":
        self.pages.clear()
        self.faults.clear()
        for line in lines_of(self.path):
            number = int(line["n"])
            match line["what"]:
                case "begin":
                    self.pages[number] = Page(line["deed"])
                case "unknown":
                    self.pages[number].unknown += 1
                case "end":
                    self.pages[number].outcome = line["outcome"]
                case "fault":
                    self.faults.append(f"{self.path.stem}, deed {number}: {line['fault']}")
        return self

    @property
    def pending(self) -> Page | None:
        """The deed whose answer never came; a program does one after the other."""
        last = self.pages[max(self.pages)] if self.pages else None
        return last if last is not None and last.outcome is None else None

    def begin(self, number: int, deed: Deed) -> None:
        self._write(n=number, what="begin", deed=deed)

    def lost(self, number: int) -> None:
        self._write(n=number, what="unknown")

    def end(self, number: int, outcome: Outcome) -> None:
        self._write(n=number, what="end", outcome=outcome)

    def fault(self, number: int, fault: str) -> None:
        self._write(n=number, what="fault", fault=fault)

    def _write(self, **line: object) -> None:
        if self._file is None:
            is_torn = self.path.exists() and self.path.read_bytes()[-1:] not in (b"", b"\n")
            self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            if is_torn:
                os.write(self._file, b"\n")
        os.write(self._file, (json.dumps(line, separators=(",", ":")) + "\n").encode())


def lines_of(path: Path) -> Iterator[dict[str, Any]]:
    """A line that was torn by a kill says nothing: its call had not begun, or is repeated."""
    if not path.exists():
        return
    for line in path.read_bytes().split(b"\n"):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            yield found
