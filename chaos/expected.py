"""What the books must be, by the diaries alone: additions in plain Python, without SQL, and sharing
no code with the ledger. What a deed moves follows from the deed and from whether it was done."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from chaos.cast import BUDGET, DRIVERS, START_POINTS, Cast
from chaos.diary import Deed, Diary, Outcome

LEDGER, ACCRUAL, ORDER, STAFF, PARTNER, IMPORT = range(6)


class Key(NamedTuple):
    who: int
    source: int
    ref: str
    on: date


class Line(NamedTuple):
    kind: int
    points: int


@dataclass
class Hold:
    points: int
    captured: int | None = None  # 0: released
    may_be_swept: bool = False


@dataclass
class Expected:
    cast: Cast
    lines: dict[Key, Line] = field(default_factory=dict)
    holds: dict[tuple[int, str], Hold] = field(default_factory=dict)
    promised: dict[Key, int] = field(default_factory=dict)
    withdrawn: set[Key] = field(default_factory=set)
    groups: dict[int, str] = field(default_factory=dict)
    """Accounts between whom points move in amounts that only the books know; their sum is known."""
    empty: set[int] = field(default_factory=set)
    """Pots that were closed, and numbers that gave way: nothing may be left there."""
    frozen: dict[int, bool] = field(default_factory=dict)
    budgets: Counter[str] = field(default_factory=Counter)
    orders: dict[str, int] = field(default_factory=dict)
    """Order id -> who."""
    delivered: int = 0
    """Events 0 to this were taken in."""

    def sum_of(self, who: int) -> int:
        return sum(line.points for key, line in self.lines.items() if key.who == who)

    def sums(self) -> Counter[str]:
        """By account, or by group; what expires is gone."""
        gone = {*self.cast.expiring, *self.cast.idle}
        found: Counter[str] = Counter()
        for key, line in self.lines.items():
            found[self.group(key.who)] += 0 if key.who in gone else line.points
        return found

    def group(self, who: int) -> str:
        return self.groups.get(who, str(who))

    # ---- reading the diaries

    def take(self, diary: Diary) -> None:
        for page in diary.pages.values():
            if page.is_done and "again" not in page.deed:
                assert page.outcome is not None
                read = getattr(self, f"_{page.deed['verb']}", None)
                if read is not None:
                    read(page.deed, page.outcome)

    def _line(self, who: int, source: int, ref: str, kind: int, points: int) -> None:
        self.lines[Key(who, source, ref, self.cast.day)] = Line(kind, points)

    def _earn(self, deed: Deed, _: Outcome) -> None:
        for who, n in deed["rows"]:
            self.lines[Key(who, ACCRUAL, deed["ref"], date.fromisoformat(deed["on"]))] = Line(1, n)

    def _spend(self, deed: Deed, _: Outcome) -> None:
        self._line(deed["who"], ORDER, deed["ref"], 2, -deed["points"])

    _spend_from_pot = _spend

    def _reverse(self, deed: Deed, _: Outcome) -> None:
        kind, sign = (5, -1) if deed["is_credit"] else (4, 1)
        self._line(deed["who"], STAFF, deed["ref"], kind, sign * deed["points"])

    def _adjust(self, deed: Deed, _: Outcome) -> None:
        self._line(deed["who"], STAFF, deed["ref"], 6, deed["points"])

    def _goodwill(self, deed: Deed, _: Outcome) -> None:
        self._adjust(deed, _)
        self.budgets[BUDGET] += deed["points"]

    def _extend(self, deed: Deed, outcome: Outcome) -> None:
        if outcome["points"]:
            self._line(deed["who"], STAFF, deed["ref"], 11, 0)

    def _transfer(self, deed: Deed, _: Outcome) -> None:
        who, ref, n = deed["who"], deed["ref"], deed["points"]
        self._line(who, PARTNER, ref, 9, -n)
        self._line(deed["to"], LEDGER, f"from:{who}:{PARTNER}:{ref}", 10, n)
        self._line(who, LEDGER, f"fee:{PARTNER}:{ref}", 13, -1)

    _pay_in = _transfer

    def _reverse_transfer(self, deed: Deed, _: Outcome) -> None:
        who, ref, n = deed["who"], deed["ref"], deed["points"]
        self._line(who, STAFF, ref, 4, n)
        self._line(deed["to"], LEDGER, f"from:{who}:{STAFF}:{ref}", 5, -n)
        self._line(who, LEDGER, f"fee:{STAFF}:{ref}", 4, 1)

    def _promise(self, deed: Deed, _: Outcome) -> None:
        for who, n in deed["rows"]:
            self.promised[Key(who, ACCRUAL, deed["ref"], self.cast.day)] = n

    def _withdraw(self, deed: Deed, outcome: Outcome) -> None:
        if outcome["is_withdrawn"]:
            self.withdrawn.add(Key(deed["who"], ACCRUAL, deed["of"], self.cast.day))

    def _hold(self, deed: Deed, _: Outcome) -> None:
        is_short = bool(deed.get("is_short"))
        self.holds[deed["who"], deed["hold"]] = Hold(deed["points"], may_be_swept=is_short)

    _hold_from_pot = _hold

    def _unpin(self, deed: Deed, _: Outcome) -> None:
        self.holds[deed["who"], deed["hold"]].may_be_swept = True

    def _capture(self, deed: Deed, _: Outcome) -> None:
        self.holds[deed["who"], deed["hold"]].captured = deed["points"]
        self._line(deed["who"], LEDGER, f"hold:{deed['hold']}", 7, -deed["points"])

    def _release(self, deed: Deed, _: Outcome) -> None:
        self.holds[deed["who"], deed["hold"]].captured = 0

    def _merge(self, deed: Deed, _: Outcome) -> None:
        self.empty.add(deed["who"])

    def _forfeit(self, deed: Deed, _: Outcome) -> None:
        if has := self.sum_of(deed["who"]):
            self._line(deed["who"], STAFF, deed["ref"], 14, -has)

    def _freeze(self, deed: Deed, _: Outcome) -> None:
        self.frozen[deed["who"]] = True

    def _unfreeze(self, deed: Deed, _: Outcome) -> None:
        self.frozen[deed["who"]] = False

    def _open_pot(self, deed: Deed, outcome: Outcome) -> None:
        self.groups[outcome["pot"]] = self.group(deed["who"])

    def _close_pot(self, deed: Deed, _: Outcome) -> None:
        self.empty.add(deed["pot"])

    def _place(self, deed: Deed, outcome: Outcome) -> None:
        self.orders[outcome["order"]] = deed["who"]

    def _receive(self, deed: Deed, _: Outcome) -> None:
        self.delivered = max(self.delivered, deed["until"])

    def _import(self, deed: Deed, _: Outcome) -> None:
        self._file(deed, prefix="opening", kind=12)

    def _accrue(self, deed: Deed, _: Outcome) -> None:
        self._file(deed, prefix="bank", kind=1)

    def _file(self, deed: Deed, *, prefix: str, kind: int) -> None:
        people = self.cast.veterans
        for line in range(deed["lines"]):
            ref = f"{prefix}:f{deed['file']}-{line}"
            key = Key(people[line % len(people)], IMPORT, ref, self.cast.brought_on)
            self.lines[key] = Line(kind, 1 + line % 50)

    # ---- at the end

    def keep_promises(self) -> None:
        for key, n in self.promised.items():
            if key not in self.withdrawn:
                self.lines[key] = Line(1, n)


def by_diaries(cast: Cast, diaries: list[Diary]) -> Expected:
    expected = Expected(cast)
    for who in (*cast.crowd, *(who for who, _ in cast.buyers)):
        expected._line(who, PARTNER, "start", 1, START_POINTS)
    for driver in range(DRIVERS):
        for who in cast.families[driver]:
            expected.groups[who] = f"family {driver}"
        expected.groups[cast.heirs[driver]] = f"heir {driver}"
    for diary in diaries:
        for page in diary.pages.values():
            if former := page.deed.get("former"):
                driver = int(diary.path.stem.rpartition("-")[2])
                expected.groups[cast.former(driver, former)] = f"heir {driver}"
        expected.take(diary)
    return expected


def counted(diaries: list[Diary]) -> list[dict[str, Any]]:
    """By verb: begun, done, refused, repeated because the answer was lost, and known by then."""
    table: dict[str, Counter[str]] = {}
    for diary in diaries:
        for page in diary.pages.values():
            verb = "again" if "again" in page.deed else page.deed["verb"]
            row = table.setdefault(verb, Counter())
            row["begun"] += 1
            row["acknowledged"] += page.is_done
            row["refused"] += page.outcome is not None and not page.is_done
            was_lost = page.unknown > 0 and "again" not in page.deed
            row["answer lost"] += was_lost
            row["had been done"] += was_lost and (page.outcome or {}).get("fresh") is False
    return [{"verb": verb, **row} for verb, row in sorted(table.items())]
