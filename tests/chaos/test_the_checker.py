"""The chaos run's checker can fail: what was acknowledged and is gone, what is there and nobody asked
for, is named, also where whoever did it made the books balance again."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from chaos import checking
from chaos.cast import Cast, assembled
from chaos.diary import Diary, Page
from chaos.expected import by_diaries
from chaos.parts import Driver
from chaos.program import answered
from chaos.run import sweep_all
from tests.ledger.plain import rows, run

pytestmark = pytest.mark.django_db
DEEDS = 250
KEY = "subscriber_id = {0} and ref = '{1}' and occurred_on = '{2}'"


@pytest.fixture
def played(tmp_path: Path) -> tuple[Cast, Diary]:
    """One driver's deeds, all answered."""
    cast = assembled(tmp_path)
    driver, diary = Driver(0, cast, seed=7), Diary(cast.diary("driver-0"))
    for number in range(1, DEEDS):
        page = Page(driver.choose(number))
        diary.begin(number, page.deed)
        page.outcome = answered(number, page, driver, diary)
        diary.end(number, page.outcome)
        driver.learn(number, page)
    sweep_all(cast, now=cast.now + timedelta(hours=1))
    return cast, diary.read()


def faults(cast: Cast, diary: Diary) -> list[str]:
    expected = by_diaries(cast, [diary])
    expected.keep_promises()
    return [
        *diary.faults,
        *checking.proof(),
        *checking.missing(expected),
        *checking.doubled_or_strange(expected, others=()),
        *checking.sums(expected, others=()),
        *checking.holds(expected, others=()),
    ]


def as_the_owner(statement: str) -> None:
    for (table,) in rows("select oid::regclass::text from pg_class where relname like 'posting%%'"
                         " and relkind in ('r', 'p')"):  # fmt: skip
        run(f"alter table {table} disable trigger user")
    assert run(statement) == 1


def test_a_run_without_a_kill_has_no_fault(played: tuple[Cast, Diary]) -> None:
    cast, diary = played

    assert faults(cast, diary) == []

    verbs = {page.deed["verb"] for page in diary.pages.values() if page.is_done}
    assert len(verbs) > 20


def spent(diary: Diary) -> tuple[int, str, int]:
    """Somebody's acknowledged spend that nobody reversed."""
    reversed_refs = {page.deed.get("of") for page in diary.pages.values()}
    return next(
        (page.deed["who"], page.deed["ref"], page.deed["points"])
        for page in diary.pages.values()
        if page.deed["verb"] == "spend" and page.is_done and page.deed["ref"] not in reversed_refs
    )


def loses(cast: Cast, who: int, ref: str, points: int) -> str:
    as_the_owner(f"delete from ledger.posting where {KEY.format(who, ref, cast.day)}")
    return f"lost: posting {who}/2/{ref}/{cast.day} kind 2 of {-points}"


def doubles(cast: Cast, who: int, ref: str, points: int) -> str:
    columns = "points, occurred_on, source, kind, contra, fingerprint, lots"
    as_the_owner(
        f"insert into ledger.posting (subscriber_id, ref, {columns})"
        f" select subscriber_id, ref || ':again', {columns} from ledger.posting"
        f" where {KEY.format(who, ref, cast.day)}"
    )
    return f"not asked for: posting {who}/2/{ref}:again/{cast.day} kind 2 of {-points}"


@pytest.mark.parametrize("harm", [loses, doubles])
def test_a_lost_and_a_doubled_posting_are_named(
    played: tuple[Cast, Diary], harm: Callable[..., str]
) -> None:
    cast, diary = played
    who, ref, points = spent(diary)

    named = harm(cast, who, ref, points)

    assert [fault for fault in faults(cast, diary) if fault.startswith(named)]


def test_a_loss_is_named_though_all_figures_were_made_to_agree(played: tuple[Cast, Diary]) -> None:
    cast, diary = played
    who, ref, points = spent(diary)
    ((key,),) = rows(
        "select ledger.lot_key((lots -> 0 ->> 0)::date, (lots -> 0 ->> 1)::integer)"
        f" from ledger.posting where {KEY.format(who, ref, cast.day)}"
        " and jsonb_array_length(lots) = 1"
    )

    named = loses(cast, who, ref, points)
    assert run(
        f"update ledger.account set posted = posted + {points},"
        f" lot_points = ledger.points_with(lot_keys, lot_points, {key}, {points})"
        f" where subscriber_id = {who} and {key} = any (lot_keys)"
    ) == 1  # fmt: skip

    assert checking.proof() == []  # The ledger's own proof believes it.
    told = faults(cast, diary)
    assert [fault for fault in told if fault.startswith(named)]
    assert [fault for fault in told if fault.startswith(f"balance of {who}: ")]


def test_a_repetition_that_is_done_again_is_a_fault(played: tuple[Cast, Diary]) -> None:
    cast, diary = played
    _, ref, _ = spent(diary)
    number, page = next((n, p) for n, p in diary.pages.items() if p.deed.get("ref") == ref)
    driver = Driver(0, cast, seed=7)

    for disguise in (ref, f"{ref}:twice"):  # The second stands for a key that was forgotten.
        again = Page({**page.deed, "again": number, "ref": disguise})
        answered(DEEDS, again, driver, diary)

    assert [fault.partition(": ")[2][:20] for fault in diary.read().faults] == [
        "done a second time: "
    ]


def test_a_line_that_a_kill_tore_is_no_line(tmp_path: Path) -> None:
    file = tmp_path / "driver-0.jsonl"
    diary = Diary(file)
    diary.begin(1, {"verb": "spend"})
    with file.open("ab") as torn:
        torn.write(b'{"n":1,"what":"end","outc')

    successor = Diary(file).read()
    assert successor.pending is not None
    successor.end(1, {"fresh": False})

    assert Diary(file).read().pages[1].is_done
