"""The proof of the books: every row that breaks one of their laws."""

from dataclasses import dataclass
from datetime import date, datetime

from club.ledger.queries.reading import rows
from club.ledger.rules import Breach
from club.ledger.seals import checking


@dataclass(frozen=True, slots=True)
class Proof:
    """How the books stood at the last nightly proof, and to which day they are sealed; None where
    that never was."""

    proven_at: datetime | None
    breaches: int | None
    sealed_on: date | None
    digest: bytes | None


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a proof looks at: whose postings, and which days' seals; `first_day` None: none."""

    subscribers: int
    first_day: date | None
    last_day: date | None


def prove(*, since: date | None = None) -> list[Breach]:
    """Every row that breaks a law of the books; an empty list proves them. Reads everything.

    With `since` it proves, wholly, the subscribers who got a posting on that business day or later,
    and the seals from that day on: cheap enough for every night.
    """
    if since is not None:
        recent = rows("select * from ledger.prove_since(%s)", [since])
        return [*_breaches(recent), *checking.check(since=since)]
    laws = ("prove", "prove_sums", "prove_months", "prove_totals")
    found = [row for law in laws for row in rows(f"select * from ledger.{law}()")]  # noqa: S608  of ours
    return [*_breaches(found), *checking.check()]


def reconcile() -> list[Breach]:
    """Every account whose balance is not its lots + held - arrears, or whose holds do not add up.
    Looks at no posting: some four seconds of CPU a million subscribers."""
    return _breaches(rows("select * from ledger.reconcile()"))


def coverage(*, since: date | None = None) -> Coverage:
    """What `prove` with the same argument covers."""
    ((subscribers, first_day, last_day),) = rows(
        """
        select case when %(since)s::date is null then (select count(*) from ledger.account)
                    else (select count(distinct subscriber_id) from ledger.posting
                           where posted_at >= ledger.day_start(%(since)s)) end,
               min(day), max(day) from ledger.seal where %(since)s::date is null or day >= %(since)s
        """,
        {"since": since},
    )
    return Coverage(subscribers, first_day, last_day)


def last_proof() -> Proof:
    """For whoever watches: the last nightly proof and the last seal, one row each."""
    found = rows("select proven_at, breaches from ledger.proof order by proven_at desc limit 1")
    proven_at, breaches = found[0] if found else (None, None)
    seal = checking.last_seal()
    return Proof(proven_at, breaches, seal.day if seal else None, seal.digest if seal else None)


def proven_until() -> date | None:
    """The day with which the next proof begins; None where the books were never proven sound."""
    found = rows(
        "select until from ledger.proof where breaches = 0 order by proven_at desc limit 1"
    )
    return found[0][0] if found else None


def _breaches(found: list[tuple[object, ...]]) -> list[Breach]:
    return [
        Breach(str(law), whose, str(place), int(expected), int(counted))  # type: ignore[arg-type, call-overload]
        for law, whose, place, expected, counted in found
    ]
