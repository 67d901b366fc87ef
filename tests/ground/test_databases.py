import pytest
from django.db import connection

from club.subscribers.models import Subscriber


@pytest.mark.django_db
def test_a_test_has_a_migrated_database_of_its_own():
    assert connection.settings_dict["NAME"].startswith("club_test_")
    assert not Subscriber.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_a_test_commits_is_gone_for_the_next_one_and_what_migrations_wrote_is_not():
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from wagtailcore_locale")
        assert cursor.fetchone() == (1,)
        cursor.execute("create table left_behind ()")


test_what_a_test_commits_is_gone_again = (
    test_what_a_test_commits_is_gone_for_the_next_one_and_what_migrations_wrote_is_not
)
