"""The nightly proof: what is new is proven, and all can see how it went."""

import logging
from collections import Counter
from datetime import date

from club.ledger.actions.calling import call
from club.ledger.errors import told_in_words
from club.ledger.queries import proof
from club.ledger.rules import Breach

log = logging.getLogger(__name__)


def prove_what_is_new() -> list[Breach]:
    """Proves whoever got a posting since the last sound proof, the seals since then, and every
    balance against its lots and holds; everything, where there was no sound proof yet.

    What it finds is noted for `queries.last_proof` and the metrics, and logged without a word about
    anybody. While something is broken, each night begins again with the same day.
    """
    since = proof.proven_until()
    found = dict.fromkeys([*proof.prove(since=since), *proof.reconcile()])
    with told_in_words():
        call("select ledger.note_proof(%s, %s)", [since, len(found)])
    _log(list(found), since)
    return list(found)


def _log(found: list[Breach], since: date | None) -> None:
    last = proof.last_proof()
    digest = last.digest.hex() if last.digest else "none"
    if not found:
        log.info("the books are sound; sealed until %s, digest %s", last.sealed_on, digest)
        return
    laws = ", ".join(f"{law} ({times})" for law, times in Counter(b.law for b in found).items())
    again = f" --since {since}" if since else ""
    log.error(
        "the books are broken in %s places: %s; run club ledger prove%s", len(found), laws, again
    )
