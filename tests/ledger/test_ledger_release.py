"""A database made from other SQL is refused before anything runs on it."""

import pytest
from django.db import connection

from club import upgrade
from club.ledger.release import OtherBooks, require_these_books

pytestmark = pytest.mark.django_db


def test_the_books_of_this_release_are_taken():
    require_these_books()


def test_an_upgrade_refuses_the_books_of_another_release_and_says_what_to_do():
    with connection.cursor() as cursor:
        cursor.execute("comment on schema ledger is '0123456789abcdef'")
    with pytest.raises(OtherBooks, match="start with a fresh database"):
        upgrade.upgrade(echo=lambda line: None)


def test_books_from_before_releases_were_told_apart_are_refused_too():
    with connection.cursor() as cursor:
        cursor.execute("comment on schema ledger is null")
    with pytest.raises(OtherBooks):
        require_these_books()
