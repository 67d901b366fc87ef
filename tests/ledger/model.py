"""The ledger as it would be with one caller and no disk: the plain model that
the state machine compares the books with. It knows no SQL and shares no code with the ledger."""

from dataclasses import dataclass, field
from datetime import date, datetime

Key = tuple[int, str, date]  # source, ref, occurred_on
Lots = list[tuple[date, int, int]]  # expires_on, fund, points


class Refusal(Exception):
    def __init__(self, code: str, **values: int) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


@dataclass
class Entry:
    points: int
    fingerprint: bytes
    lots: Lots
    can_be_reversed: bool = True
    reversed: int = 0


@dataclass
class Hold:
    points: int
    fingerprint: bytes
    lots: Lots
    expires_at: datetime
    captured: int | None = None  # 0 = released


@dataclass
class Promise:
    points: int
    expires_on: date
    fund: int
    fingerprint: bytes
    promised_at: datetime
    state: str = "promised"


@dataclass
class Person:
    lots: dict[tuple[date, int], int] = field(default_factory=dict)
    arrears: int = 0
    expired: int = 0
    came: Lots = field(default_factory=list)  # by a batch, which settles at its end
    journal: dict[Key, Entry] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    promises: dict[Key, Promise] = field(default_factory=dict)

    # ---- reading

    def spendable(self, day: date) -> int:
        good = sum(points for (expires_on, _), points in self.lots.items() if expires_on >= day)
        return max(0, good - self.arrears)

    def held(self) -> int:
        return sum(hold.points for hold in self.holds.values() if hold.captured is None)

    def pending(self) -> int:
        return sum(p.points for p in self.promises.values() if p.state == "promised")

    def good_lots(self, day: date) -> Lots:
        return sorted((e, f, n) for (e, f), n in self.lots.items() if n and e >= day)

    # ---- lots

    def put(self, lots: Lots) -> None:
        for expires_on, fund, points in lots:
            self.lots[expires_on, fund] = self.lots.get((expires_on, fund), 0) + points

    def take(self, points: int, day: date) -> Lots:
        taken: Lots = []
        for expires_on, fund in sorted(key for key in self.lots if key[0] >= day):
            part = min(points, self.lots[expires_on, fund])
            if part:
                self.lots[expires_on, fund] -= part
                taken.append((expires_on, fund, part))
                points -= part
        return taken

    def take_these(self, lots: Lots) -> Lots:
        taken: Lots = []
        for expires_on, fund, points in lots:
            part = min(points, self.lots.get((expires_on, fund), 0))
            if part:
                self.lots[expires_on, fund] -= part
                taken.append((expires_on, fund, part))
        return taken

    def give_back(self, lots: Lots, day: date, grace: date | None) -> Lots:
        back = [(grace if e < day and grace else e, f, n) for e, f, n in lots]
        self.put(back)
        return back

    def settle(self, came: Lots) -> int:
        """Out of what came, in its order; answers how many points repaid."""
        repaid = total(self.take_these(split(came, self.arrears)[0]))
        self.arrears -= repaid
        return repaid

    def settle_batch(self) -> None:
        self.settle(sorted(self.came))
        self.came.clear()

    # ---- verbs

    def accrue(
        self,
        key: Key,
        points: int,
        expires_on: date,
        fund: int,
        fingerprint: bytes,
        settles: bool = True,
    ) -> str:
        if (before := self.journal.get(key)) is not None:
            return "replayed" if before.fingerprint == fingerprint else "conflict"
        self.journal[key] = Entry(points, fingerprint, [(expires_on, fund, points)])
        self.put([(expires_on, fund, points)])
        if settles:
            self.settle([(expires_on, fund, points)])
        else:
            self.came.append((expires_on, fund, points))
        return "fresh"

    def spend(self, key: Key, points: int, fingerprint: bytes) -> bool:
        if self.seen(key, fingerprint):
            return False
        self.afford(points, key[2])
        self.journal[key] = Entry(-points, fingerprint, self.take(points, key[2]))
        return True

    def hold(self, hold_id: str, day: date, points: int, until: datetime, content: bytes) -> bool:
        if (before := self.holds.get(hold_id)) is not None:
            if before.fingerprint != content:
                raise Refusal("idempotency_key_reused")
            return False
        self.afford(points, day)
        self.holds[hold_id] = Hold(points, content, self.take(points, day), until)
        return True

    def close(self, hold_id: str, key: Key, points: int | None, grace: date | None) -> bool:
        if (hold := self.holds.get(hold_id)) is None:
            raise Refusal("no_such_hold")
        spent = hold.points if points is None else points
        if spent > hold.points:
            raise Refusal("more_than_left", left_points=hold.points)
        if hold.captured is not None:
            if hold.captured != spent:
                raise Refusal("hold_closed", captured_points=hold.captured)
            return False
        hold.captured = spent
        kept, back = split(hold.lots, spent)
        if spent:
            self.journal[key] = Entry(-spent, hold.fingerprint, kept)
        self.settle(self.give_back(back, key[2], grace))
        return True

    def reverse(
        self,
        key: Key,
        of: Key,
        points: int | None,
        fingerprint: bytes,
        grace: date | None,
        spares_others: bool,
    ) -> bool:
        if self.seen(key, fingerprint):
            return False
        if (original := self.journal.get(of)) is None:
            raise Refusal("no_such_posting")
        if not original.can_be_reversed:
            raise Refusal("not_reversible")
        left = abs(original.points) - original.reversed
        n = left if points is None else points
        if not 1 <= n <= left:
            raise Refusal("more_than_left", left_points=left)
        original.reversed += n
        if original.points < 0:
            rest, _ = split(original.lots, left)
            day = key[2]
            back = self.give_back(
                split(rest, left - n)[1], day, grace if grace and grace >= day else None
            )
            kept = split(back, self.settle(back))[1]
            self.expired += total(self.take_these([lot for lot in kept if lot[0] < day]))
        else:
            own, fund, _ = original.lots[0]
            missing = n - total(self.take_these([(own, fund, n)]))
            self.arrears += missing - (0 if spares_others else total(self.take(missing, date.min)))
        sign = 1 if original.points < 0 else -1
        self.journal[key] = Entry(sign * n, fingerprint, [], can_be_reversed=False)
        return True

    def expire(self, day: date) -> int:
        due = [key for key in self.lots if key[0] < day]
        for key in due:
            self.expired += self.lots.pop(key)
        return len(due)

    def promise(self, key: Key, promise: Promise) -> str:
        before = self.promises.get(key) or self.journal.get(key)
        if before is not None:
            return "replayed" if before.fingerprint == promise.fingerprint else "conflict"
        self.promises[key] = promise
        return "fresh"

    def keep(self, now: datetime) -> int:
        due = [(k, p) for k, p in self.promises.items() if p.state == "promised"]
        due = [(k, p) for k, p in due if p.promised_at <= now]
        for key, p in due:
            outcome = self.accrue(key, p.points, p.expires_on, p.fund, p.fingerprint, settles=False)
            p.state = "withdrawn" if outcome == "conflict" else "kept"
        self.settle_batch()
        return len(due)

    def withdraw(self, key: Key) -> bool:
        if (promise := self.promises.get(key)) is None:
            raise Refusal("no_such_posting")
        if promise.state == "promised":
            promise.state = "withdrawn"
        return promise.state == "withdrawn"

    # ---- refusing

    def seen(self, key: Key, fingerprint: bytes) -> bool:
        if (before := self.journal.get(key)) is None:
            return False
        if before.fingerprint != fingerprint:
            raise Refusal("idempotency_key_reused")
        return True

    def afford(self, points: int, day: date) -> None:
        if self.spendable(day) < points:
            raise Refusal("not_enough_points", available_points=self.spendable(day))


def total(lots: Lots) -> int:
    return sum(points for _, _, points in lots)


def split(lots: Lots, at: int) -> tuple[Lots, Lots]:
    """The first `at` points of a list, and the rest."""
    first: Lots = []
    rest: Lots = []
    for expires_on, fund, points in lots:
        part = min(points, at)
        at -= part
        if part:
            first.append((expires_on, fund, part))
        if points > part:
            rest.append((expires_on, fund, points - part))
    return first, rest
