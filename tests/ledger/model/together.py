"""What people do with each other: sending, family pots, numbers that change, leaving."""

from dataclasses import dataclass, field
from datetime import date, datetime

from tests.ledger.model.account import Account, Entry, Key
from tests.ledger.model.alone import Alone
from tests.ledger.model.lots import Lots, Refusal, shared, split, total


@dataclass(frozen=True)
class Terms:
    day_points_max: int
    month_times_max: int
    min_age_days: int
    fee: int


@dataclass
class Pot:
    owner: int
    is_for_all: bool
    stakes: dict[int, int]
    former: set[int] = field(default_factory=set)
    invited: dict[int, datetime] = field(default_factory=dict)
    is_closed: bool = False


@dataclass
class Model(Alone):
    people: set[int] = field(default_factory=set)
    erased: set[int] = field(default_factory=set)
    pots: dict[int, Pot] = field(default_factory=dict)
    frozen: dict[int, datetime] = field(default_factory=dict)
    moves: int = 0

    # ---- sending

    def transfer(
        self, who: int, to: int, key: Key, n: int, terms: Terms, now: datetime, content: bytes
    ) -> bool:
        if who == to:
            raise Refusal("bad_posting")
        me = self.of(who)
        if me.seen(key, content):
            return False
        if to not in self.people:
            raise Refusal("unknown_subscriber")
        self._refuse_sending(who, key[2], n, terms, now)
        self._move(who, to, key, me.purse.take(n, key[2]), content, None)
        self._charge(me, key, terms.fee, content)
        return True

    def _refuse_sending(self, who: int, day: date, n: int, terms: Terms, now: datetime) -> None:
        self._refuse_frozen(who, now)
        me = self.of(who)
        sent = [
            (on, -entry.points)
            for (_, _, on), entry in me.journal.items()
            if entry.what == "sent" and entry.reason != "merge"
        ]
        if sum(p for on, p in sent if on == day) + n > terms.day_points_max:
            raise Refusal("transfer_limit_reached", period="day")
        in_month = [on for on, _ in sent if (on.year, on.month) == (day.year, day.month)]
        if len(in_month) >= terms.month_times_max:
            raise Refusal("transfer_limit_reached", period="month")
        me.afford(n + terms.fee, day)
        ripe = max(0, me.spendable(day) - me.young(day, terms.min_age_days))
        if ripe < n + terms.fee:
            raise Refusal("points_too_young", transferable_points=ripe)

    def _refuse_frozen(self, who: int, now: datetime) -> None:
        if who in self.frozen and self.frozen[who] > now:
            raise Refusal("transfers_frozen")

    def _move(
        self, who: int, to: int, key: Key, lots: Lots, content: bytes, reason: str | None
    ) -> None:
        n = total(lots)
        self.of(who).journal[key] = Entry("sent", -n, content, lots, reason, other=to)
        leg = (0, leg_ref(who, key), key[2])
        self.of(to).journal[leg] = Entry("received", n, content, lots, reason)
        self.of(to).receive(lots)
        for one in (who, to):
            self.of(one).is_active(key[2])

    @staticmethod
    def _charge(me: Account, key: Key, fee: int, content: bytes) -> None:
        if fee:
            fee_key = (0, fee_ref(key), key[2])
            me.journal[fee_key] = Entry("fee", -fee, content, me.purse.take(fee, key[2]))

    def reverse_transfer(
        self, who: int, key: Key, of: Key, points: int | None, content: bytes,
        grace: date | None, with_fee: bool, may_owe: bool,
    ) -> bool:  # fmt: skip
        if key[2] < of[2]:
            raise Refusal("bad_posting")
        me = self.of(who)
        if (sent := me.journal.get(of)) is None:
            raise Refusal("no_such_posting")
        if sent.what != "sent" or sent.reason is not None or who < 0:
            raise Refusal("not_reversible")
        if me.seen(key, content):
            return False
        left, n = me.left_of(of, points)
        them = self.of(sent.other)
        if total(them.purse.all()) < n and not may_owe:
            raise Refusal("not_enough_points", available_points=total(them.purse.all()))
        part = split(split(sent.lots, left)[0], left - n)[1]
        leg, of_leg = (0, leg_ref(who, key), key[2]), (0, leg_ref(who, of), of[2])
        them.clawed(leg, of_leg, n, part, content)
        me.returned(key, of, n, part, content, grace)
        of_fee = (0, fee_ref(of), of[2])
        if with_fee and of_fee in me.journal and not me.journal[of_fee].reversed:
            fee = me.journal[of_fee]
            me.returned((0, fee_ref(key), key[2]), of_fee, -fee.points, fee.lots, content, grace)
        return True

    def freeze(self, who: int, until: datetime) -> datetime:
        self.frozen[who] = max(until, self.frozen.get(who, until))
        return self.frozen[who]

    def unfreeze(self, who: int) -> bool:
        return self.frozen.pop(who, None) is not None

    # ---- family pots

    def seat_of(self, who: int) -> int | None:
        return next((pot_id for pot_id, pot in self.pots.items() if who in pot.stakes), None)

    def open_pot(self, pot_id: int, owner: int, is_for_all: bool) -> None:
        if (before := self.pots.get(pot_id)) is not None:
            if (before.owner, before.is_for_all) != (owner, is_for_all):
                raise Refusal("idempotency_key_reused")
            return
        self._refuse_seated(owner, pot_id)
        self.of(pot_id)
        self.pots[pot_id] = Pot(owner, is_for_all, {owner: 0})

    def invite(self, pot_id: int, by: int, who: int, now: datetime, until: datetime) -> None:
        pot = self._open(pot_id)
        if pot.owner != by:
            raise Refusal("not_in_pot")
        if who not in self.people:
            raise Refusal("unknown_subscriber")
        if self.seat_of(who) == pot_id:
            return
        pot.invited = {one: at for one, at in pot.invited.items() if at > now} | {who: until}

    def join(self, pot_id: int, who: int, now: datetime) -> bool:
        pot = self._open(pot_id)
        self._refuse_seated(who, pot_id)
        if who in pot.stakes:
            return False
        if who not in pot.invited or pot.invited[who] <= now:
            raise Refusal("not_in_pot")
        del pot.invited[who]
        pot.stakes[who] = 0
        return True

    def pay_in(
        self, pot_id: int, who: int, key: Key, n: int, terms: Terms, now: datetime, content: bytes
    ) -> bool:
        me = self.of(who)
        if me.seen(key, content):
            return False
        pot = self._open(pot_id)
        if who not in pot.stakes:
            raise Refusal("not_in_pot")
        self._refuse_sending(who, key[2], n, terms, now)
        self._value(pot_id, key[2])
        self._move(who, pot_id, key, me.purse.take(n, key[2]), content, "pot")
        pot.stakes[who] += n
        self._charge(me, key, terms.fee, content)
        return True

    def spend_from_pot(
        self, pot_id: int, by: int, key: Key, n: int, now: datetime, content: bytes
    ) -> bool:
        if self.of(pot_id).seen(key, content):
            return False
        self._refuse_spender(pot_id, by, now)
        return self.spend(pot_id, key, n, None, content)

    def hold_from_pot(
        self, pot_id: int, by: int, hold_id: str, day: date, n: int, now: datetime,
        until: datetime, content: bytes,
    ) -> bool:  # fmt: skip
        if hold_id not in self.of(pot_id).holds:
            self._refuse_spender(pot_id, by, now)
        return self.hold(pot_id, hold_id, day, n, None, until, content)

    def leave(self, pot_id: int, who: int, by: int, day: date) -> bool:
        if (pot := self.pots.get(pot_id)) is None:
            raise Refusal("no_such_pot")
        if by not in (who, pot.owner):
            raise Refusal("not_in_pot")
        if who == pot.owner:
            return self.close_pot(pot_id, who, day)
        if who not in {*pot.stakes, *pot.former}:
            raise Refusal("not_in_pot")
        if who not in pot.stakes:
            return False
        self._give_share(pot_id, who, day)
        return True

    def close_pot(self, pot_id: int, by: int, day: date) -> bool:
        if (pot := self.pots.get(pot_id)) is None:
            raise Refusal("no_such_pot")
        if pot.owner != by:
            raise Refusal("not_in_pot")
        if pot.is_closed:
            return False
        if held := self.of(pot_id).held():
            raise Refusal("open_holds", held_points=held)
        for who in sorted({*pot.stakes} - {by}):
            self._give_share(pot_id, who, day)
        self._move_all(pot_id, by, day, "pot_share")
        pot.former |= {*pot.stakes}
        pot.stakes, pot.invited, pot.is_closed = {}, {}, True
        self.successors[pot_id] = by
        return True

    def _open(self, pot_id: int) -> Pot:
        pot = self.pots.get(pot_id)
        if pot is None or pot.is_closed:
            raise Refusal("no_such_pot")
        return pot

    def _refuse_seated(self, who: int, pot_id: int) -> None:
        if self.seat_of(who) not in (None, pot_id):
            raise Refusal("already_in_pot")

    def _refuse_spender(self, pot_id: int, by: int, now: datetime) -> None:
        pot = self._open(pot_id)
        if by not in pot.stakes or not (pot.is_for_all or pot.owner == by):
            raise Refusal("not_in_pot")
        self._refuse_frozen(by, now)

    def stakes(self, pot_id: int, day: date) -> dict[int, int]:
        """What of the pot is whose: in the proportion of the stakes, the rest the owner's."""
        pot, worth = self.pots[pot_id], self.of(pot_id).spendable(day)
        whole = sum(pot.stakes.values())
        parts = {who: worth * n // whole if whole else 0 for who, n in pot.stakes.items()}
        if parts:
            parts[pot.owner] += worth - sum(parts.values())
        return parts

    def _value(self, pot_id: int, day: date) -> None:
        pot = self.pots[pot_id]
        if sum(pot.stakes.values()) != self.of(pot_id).spendable(day):
            pot.stakes = self.stakes(pot_id, day)

    def _give_share(self, pot_id: int, who: int, day: date) -> None:
        self._value(pot_id, day)
        pot, purse = self.pots[pot_id], self.of(pot_id)
        if whole := sum(pot.stakes.values()):
            free = split(purse.purse.all(day), purse.spendable(day))[0]
            if share := purse.purse.take_these(shared(free, pot.stakes[who], whole)):
                self._move(pot_id, who, self._own_key(day), share, b"", "pot_share")
        del pot.stakes[who]
        pot.former.add(who)

    # ---- numbers that change, people who leave

    def merge(self, who: int, to: int, key: Key, content: bytes) -> bool:
        if who == to:
            raise Refusal("bad_posting")
        me = self.of(who)
        if me.seen(key, content):
            return False
        if to in self.successors or self.successors.get(who, to) != to:
            raise Refusal("already_merged")
        if to not in self.people:
            raise Refusal("unknown_subscriber")
        self._change_seat(who, to, key[2])
        if who in self.frozen:
            self.freeze(to, self.frozen[who])
        for of, promise in me.promises.items():
            heir = self.of(to)
            if promise.state == "promised" and not (of in heir.promises or of in heir.journal):
                heir.promises[of] = type(promise)(**vars(promise))
                promise.state = "moved"
        is_first = who not in self.successors
        has_moved = self._move_all(who, to, key[2], "merge", key, content)
        self.successors[who] = to
        return has_moved or is_first

    def _change_seat(self, who: int, to: int, day: date) -> None:
        seat, kept = self.seat_of(who), self.seat_of(to)
        if seat is None:
            return
        pot = self.pots[seat]
        if kept in (None, seat):
            pot.stakes[to] = pot.stakes.get(to, 0) + pot.stakes.pop(who)
            pot.former.add(who)
            pot.owner = to if pot.owner == who else pot.owner
        elif pot.owner == who:
            self.close_pot(seat, who, day)
        else:
            self._give_share(seat, who, day)

    def _move_all(
        self,
        who: int,
        to: int,
        day: date,
        reason: str,
        key: Key | None = None,
        content: bytes = b"",
    ) -> bool:
        me, key = self.of(who), key or self._own_key(day)
        me.settle(me.purse.all())
        if lots := me.purse.take_these(me.purse.all()):
            self._move(who, to, key, lots, content, reason)
        elif owed := me.arrears:
            me.journal[key] = Entry("sent", owed, content, [], reason)
            leg = (0, leg_ref(who, key), day)
            self.of(to).journal[leg] = Entry("received", -owed, content, [], reason)
            me.arrears = 0
            self.of(to).arrears += owed
            self.of(to).settle(self.of(to).purse.all())
        else:
            return False
        return True

    def late(self) -> list[int]:
        """Who gave way, and has something again."""
        accounts = ((who, self.of(who)) for who in self.successors)
        return [who for who, me in accounts if total(me.purse.all()) != me.arrears]

    def follow(self, day: date) -> None:
        while late := self.late():
            who, to = late[0], self.successors[late[0]]
            self._move_all(who, to, day, "merge" if who > 0 else "pot_share")

    def forfeit(self, who: int, key: Key, content: bytes) -> bool:
        if (seat := self.seat_of(who)) is not None:
            self.leave(seat, who, who, key[2])
        me = self.of(who)
        if me.seen(key, content):
            return False
        if held := me.held():
            raise Refusal("open_holds", held_points=held)
        promised = [p for p in me.promises.values() if p.state == "promised"]
        for promise in promised:
            promise.state = "withdrawn"
        is_fresh = bool(promised or me.purse.all() or me.arrears)
        me.settle(me.purse.all())
        taken = me.purse.take_these(me.purse.all())
        gone, me.arrears = total(taken) - me.arrears, 0
        if gone:
            me.journal[key] = Entry("forfeit", -gone, content, taken)
        return is_fresh

    def erase(self, who: int, key: Key) -> tuple[tuple[int, ...], int]:
        if who not in self.people:
            return (), 0
        persons = self.same_person(who)
        for one in persons:
            self.forfeit(one, key, b"erased")
        self.people -= {*persons}
        self.erased |= {*persons}
        gone = [self.of(one).journal.get(key) for one in persons]
        return tuple(persons), sum(max(0, -entry.points) for entry in gone if entry)

    def same_person(self, who: int) -> list[int]:
        """The one that survived the merges first."""
        merged = [pair for pair in self.successors.items() if pair[0] > 0]
        found = {who}
        while more := {one for pair in merged if found & {*pair} for one in pair} - found:
            found |= more
        return sorted(found, key=lambda one: (one in self.successors, one))

    def forfeit_late(self, key: Key) -> int:
        late = [
            who
            for who in sorted(self.erased)
            for me in [self.of(who)]
            if not me.held() and (me.purse.all() or me.arrears)
        ]
        for who in late:
            self.forfeit(who, key, b"erased")
        return len(late)

    def _own_key(self, day: date) -> Key:
        """A move under a key that only the books know."""
        self.moves += 1
        return 0, f"move:{self.moves}", day


def leg_ref(who: int, key: Key) -> str:
    return f"from:{who}:{key[0]}:{key[1]}"


def fee_ref(key: Key) -> str:
    return f"fee:{key[0]}:{key[1]}"
