"""What a driver of the ledger does next: chance by the run's seed, the driver and the deed's number, so
that a driver that was killed goes on as if it had not been."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from chaos.cast import Cast
from chaos.diary import Deed, Outcome, Page
from club.ledger.rules import Source

REMEMBERED = 40  # of each kind: what is done with them is done with the latest
POT_DEEDS_MAX = 60
# Under these the ledger keeps a key: said again, each must answer that it was done before.
REPEATABLE = frozenset(
    ["earn", "promise", "spend", "reverse", "transfer", "reverse_transfer", "adjust", "goodwill",
     "forfeit", "pay_in", "spend_from_pot", "hold", "capture", "hold_from_pot"]
)  # fmt: skip

Chosen = dict[str, Any] | None


@dataclass
class Pot:
    """The family's pot as its one driver knows it."""

    pot_id: int
    members: list[int]
    holds: list[str] = field(default_factory=list)
    deeds: int = 0


@dataclass
class Memory:
    """What of the earlier deeds can be gone on with. Learnt again from the diary after a kill."""

    driver: int
    credits: list[Deed] = field(default_factory=list)
    debits: list[Deed] = field(default_factory=list)
    sent: list[Deed] = field(default_factory=list)
    holds: list[Deed] = field(default_factory=list)
    promises: list[Deed] = field(default_factory=list)
    done: list[tuple[int, Deed]] = field(default_factory=list)
    former: int = 0
    merged: list[int] = field(default_factory=list)
    pot: Pot | None = None

    def learn(self, number: int, page: Page) -> None:
        deed, outcome = page.deed, page.outcome
        if outcome is None:
            return
        if deed["verb"] in ("earn", "merge", "forfeit") and "former" in deed:
            self.former = max(self.former, int(deed["former"]))
        if not page.is_done or "again" in deed:
            return
        if deed["verb"] in REPEATABLE:
            self.done = [*self.done[-REMEMBERED:], (number, deed)]
        self._keep(deed, outcome)

    def _keep(self, deed: Deed, outcome: Outcome) -> None:
        match deed["verb"]:
            case "earn" if deed.get("is_reversible"):
                self.credits = [*self.credits[-REMEMBERED:], deed]
            case "spend":
                self.debits = [*self.debits[-REMEMBERED:], deed]
            case "transfer":
                self.sent = [*self.sent[-REMEMBERED:], deed]
            case "reverse":
                self.credits = [one for one in self.credits if one["ref"] != deed["of"]]
                self.debits = [one for one in self.debits if one["ref"] != deed["of"]]
            case "reverse_transfer":
                self.sent = [one for one in self.sent if one["ref"] != deed["of"]]
            case "hold":
                self.holds = [*self.holds[-REMEMBERED:], deed]
            case "capture" | "release":
                self.holds = [one for one in self.holds if one["hold"] != deed["hold"]]
                if self.pot and deed["hold"] in self.pot.holds:
                    self.pot.holds.remove(deed["hold"])
            case "promise":
                self.promises = [*self.promises[-REMEMBERED:], deed]
            case "merge":
                self.merged = [*self.merged[-REMEMBERED:], deed["who"]]
            case _:
                self._keep_pot(deed, outcome)

    def _keep_pot(self, deed: Deed, outcome: Outcome) -> None:
        if deed["verb"] == "open_pot":
            self.pot = Pot(outcome["pot"], [deed["who"]])
        if self.pot is None:
            return
        match deed["verb"]:
            case "seat":
                self.pot.members.append(deed["who"])
            case "leave_pot":
                self.pot.members.remove(deed["who"])
            case "hold_from_pot":
                self.pot.holds.append(deed["hold"])
            case "close_pot":
                self.pot = None
        if self.pot is not None:
            self.pot.deeds += 1


def next_deed(number: int, *, memory: Memory, cast: Cast, seed: int) -> dict[str, Any]:
    rng = Random(f"{seed}:{memory.driver}:{number}")
    choices, weights = zip(*REPERTOIRE, strict=True)
    while True:
        (choose,) = rng.choices(choices, weights)
        if deed := choose(rng, memory, cast, f"d{memory.driver}:{number}"):
            return deed


# ---- earning and spending, on everybody's accounts


def earn(rng: Random, memory: Memory, cast: Cast, ref: str) -> Chosen:
    rows = [(rng.choice(cast.crowd), rng.randint(1, 90))]
    return _earned(cast, ref, rows) | {"is_reversible": True}


def earn_many(rng: Random, memory: Memory, cast: Cast, ref: str) -> Chosen:
    people = rng.sample(cast.crowd, rng.randint(2, 15))
    return _earned(cast, ref, [(who, rng.randint(1, 30)) for who in people])


def earn_elsewhere(rng: Random, memory: Memory, cast: Cast, ref: str) -> Chosen:
    """For the sweeps: what expires at once, what will be moved, what is old."""
    people, on, until = rng.choice(
        [
            (cast.expiring, cast.day, cast.past),
            (cast.extended, cast.day, cast.ending_on),
            (cast.idle, cast.long_ago, cast.good_until),
        ]
    )
    deed = _earned(cast, ref, [(rng.choice(people), rng.randint(1, 90))])
    return deed | {"on": on.isoformat(), "until": until.isoformat()}


def spend(rng: Random, memory: Memory, cast: Cast, ref: str) -> Chosen:
    return _keyed("spend", rng.choice(cast.crowd), ref, rng.randint(1, 120))


def reverse(rng: Random, memory: Memory, cast: Cast, ref: str) -> Chosen:
    """Each posting once: whole or in part."""
    of = rng.choice([*memory.credits, *memory.debits] or [None])
    if of is None:
        return None
    is_credit = of["verb"] == "earn"
    who, whole = of["rows"][0] if is_credit else (of["who"], of["points"])
    source = Source.ACCRUAL if is_credit else Source.ORDER
    deed = _keyed("reverse", who, ref, rng.randint(1, whole))
    return deed | {"of": of["ref"], "of_source": int(source), "is_credit": is_credit}


def adjust(rng: Random, memory: Memory, cast: Cast, ref: str) -> Chosen:
    points = rng.choice([1, 1, -1]) * rng.randint(1, 60)
    return _keyed("adjust", rng.choice(cast.crowd), ref, points)


def goodwill(rng: Random, memory: Memory, cast: Cast, ref: str) -> Chosen:
    return _keyed("goodwill", rng.choice(cast.crowd), ref, rng.randint(1, 60))


def extend(rng: Random, memory: Memory, cast: Cast, ref: str) -> Chosen:
    return _keyed("extend", rng.choice(cast.crowd), ref, 0)


def transfer(rng: Random, memory: Memory, cast: Cast, ref: str) -> Chosen:
    who, to = rng.sample(cast.crowd, 2)
    return _keyed("transfer", who, ref, rng.randint(1, 90)) | {"to": to}


def reverse_transfer(rng: Random, memory: Memory, cast: Cast, ref: str) -> Chosen:
    if not memory.sent:
        return None
    of = rng.choice(memory.sent)
    deed = _keyed("reverse_transfer", of["who"], ref, rng.randint(1, of["points"]))
    return deed | {"of": of["ref"], "to": of["to"]}


def promise(rng: Random, memory: Memory, cast: Cast, ref: str) -> Chosen:
    people = rng.sample(cast.promised, rng.randint(1, 5))
    at = cast.now.timestamp() + rng.choice([-60, 20, 60])
    return {
        "verb": "promise", "ref": ref, "at": at,
        "rows": [(who, rng.randint(1, 40)) for who in people],
    }  # fmt: skip


def withdraw(rng: Random, memory: Memory, cast: Cast, ref: str) -> Chosen:
    if not memory.promises:
        return None
    of = rng.choice(memory.promises)
    return {"verb": "withdraw", "who": rng.choice(of["rows"])[0], "of": of["ref"]}


# ---- holds


def hold(rng: Random, memory: Memory, cast: Cast, ref: str) -> Chosen:
    return _held(rng, "hold", rng.choice(cast.crowd)) | {"is_short": rng.random() < 0.3}


def end_hold(rng: Random, memory: Memory, cast: Cast, ref: str) -> Chosen:
    if not memory.holds:
        return None
    of = rng.choice(memory.holds)
    return _ended(rng, of["who"], of["hold"], of["points"])


def touch_hold(rng: Random, memory: Memory, cast: Cast, ref: str) -> Chosen:
    if not memory.holds:
        return None
    of = rng.choice(memory.holds)
    verb = rng.choice(["pin", "unpin", "extend_hold"])
    return {"verb": verb, "who": of["who"], "hold": of["hold"]}


# ---- numbers that change, people who leave, people who are frozen


def former_earns(rng: Random, memory: Memory, cast: Cast, ref: str) -> Chosen:
    number = memory.former + 1
    who = cast.former(memory.driver, number)
    if memory.merged and rng.random() < 0.4:  # comes late, to a number that gave way
        return _earned(cast, ref, [(rng.choice(memory.merged), rng.randint(1, 60))])
    return _earned(cast, ref, [(who, rng.randint(1, 60))]) | {"former": number}


def former_ends(rng: Random, memory: Memory, cast: Cast, ref: str) -> Chosen:
    """The latest number: merged, or its owner leaves. Either way the next one begins anew."""
    who = cast.former(memory.driver, memory.former)
    if not memory.former or who in memory.merged:
        return None
    if rng.random() < 0.5:
        deed = _keyed("merge", who, ref, 0) | {"to": cast.heirs[memory.driver]}
    else:
        deed = _keyed("forfeit", who, ref, 0)
    return deed | {"former": memory.former}


def freeze(rng: Random, memory: Memory, cast: Cast, ref: str) -> Chosen:
    return {"verb": rng.choice(["freeze", "unfreeze"]), "who": cast.heirs[memory.driver]}


# ---- a family's pot


def in_the_family(rng: Random, memory: Memory, cast: Cast, ref: str) -> Chosen:
    family, pot = cast.families[memory.driver], memory.pot
    who = rng.choice(family)
    if rng.random() < 0.3:
        return _earned(cast, ref, [(who, rng.randint(10, 90))])
    if pot is None:
        return {"verb": "open_pot", "who": family[0], "key": _uuid(rng)}
    member = rng.choice(pot.members)
    points = rng.randint(1, 50)
    match rng.choice(["seat", "pay_in", "pay_in", "spend", "hold", "end_hold", "leave", "close"]):
        case "seat" if who not in pot.members:
            return {"verb": "seat", "pot": pot.pot_id, "by": family[0], "who": who}
        case "pay_in":
            return _keyed("pay_in", member, ref, points) | {"to": pot.pot_id}
        case "spend":
            return _keyed("spend_from_pot", pot.pot_id, ref, points) | {"by": member}
        case "hold":
            return _held(rng, "hold_from_pot", pot.pot_id) | {"by": member}
        case "end_hold" if pot.holds:
            return _ended(rng, pot.pot_id, rng.choice(pot.holds), 1)
        case "leave" if member != family[0]:
            return {"verb": "leave_pot", "pot": pot.pot_id, "who": member}
        case "close" if pot.deeds > POT_DEEDS_MAX:
            return {"verb": "close_pot", "pot": pot.pot_id, "who": family[0]}
    return None


def again(rng: Random, memory: Memory, cast: Cast, ref: str) -> Chosen:
    """An earlier deed once more, as a retry that comes late."""
    if not memory.done:
        return None
    number, deed = rng.choice(memory.done)
    return {**deed, "again": number}


def _earned(cast: Cast, ref: str, rows: list[tuple[int, int]]) -> dict[str, Any]:
    return {
        "verb": "earn", "ref": ref, "rows": rows,
        "on": cast.day.isoformat(), "until": cast.good_until.isoformat(),
    }  # fmt: skip


def _keyed(verb: str, who: int, ref: str, points: int) -> dict[str, Any]:
    return {"verb": verb, "who": who, "ref": ref, "points": points}


def _held(rng: Random, verb: str, who: int) -> dict[str, Any]:
    return {"verb": verb, "who": who, "hold": _uuid(rng), "points": rng.randint(1, 60)}


def _ended(rng: Random, who: int, hold_id: str, points: int) -> dict[str, Any]:
    if rng.random() < 0.4:
        return {"verb": "release", "who": who, "hold": hold_id}
    return {"verb": "capture", "who": who, "hold": hold_id, "points": rng.randint(1, points)}


def _uuid(rng: Random) -> str:
    return str(UUID(int=rng.getrandbits(128)))


Choice = Callable[[Random, Memory, Cast, str], Chosen]
REPERTOIRE: list[tuple[Choice, int]] = [
    (earn, 10), (earn_many, 5), (earn_elsewhere, 5), (spend, 10), (reverse, 6), (adjust, 4),
    (goodwill, 3), (extend, 2), (transfer, 10), (reverse_transfer, 3), (promise, 3), (withdraw, 3),
    (hold, 8), (end_hold, 7), (touch_hold, 3), (former_earns, 4), (former_ends, 3), (freeze, 1),
    (in_the_family, 14), (again, 8),
]  # fmt: skip
