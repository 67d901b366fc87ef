"""The books, whole: tables, verbs and privileges come from the files in `../sql/`."""

from django.db import migrations, models

from club.ledger.release import SQL, digest

FILES = (
    "tables",
    "months",
    "journal",
    "lots",
    "account",
    "accrue",
    "post_many",
    "bulk",
    "promise",
    "spend",
    "hold",
    "pin",
    "reverse",
    "adjust",
    "transfer",
    "forfeit",
    "merge",
    "pot",
    "expire",
    "inactive",
    "extend",
    "statement",
    "movement",
    "past",
    "closing",
    "detach",
    "seals",
    "programme",
    "reconcile",
    "prove",
    "privileges",
)


class Migration(migrations.Migration):
    initial = True
    dependencies = []

    operations = [
        migrations.RunSQL(
            sql="\n".join((SQL / f"{name}.sql").read_text() for name in FILES),
            reverse_sql="drop schema ledger cascade",
        ),
        migrations.RunSQL(
            sql=f"comment on schema ledger is '{digest()}'", reverse_sql=migrations.RunSQL.noop
        ),
        # For reading only: none of these makes a table.
        migrations.CreateModel(
            name="Account",
            fields=[
                ("subscriber_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("posted", models.BigIntegerField()),
                ("held", models.BigIntegerField()),
                ("arrears", models.BigIntegerField()),
                ("version", models.BigIntegerField()),
            ],
            options={
                "db_table": '"ledger"."account"',
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Hold",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "subscriber_id",
                        "hold_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("subscriber_id", models.BigIntegerField()),
                ("hold_id", models.UUIDField()),
                ("points", models.BigIntegerField()),
                ("captured", models.BigIntegerField()),
                ("placed_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                ("state", models.SmallIntegerField()),
                ("fingerprint", models.BinaryField()),
                ("lots", models.JSONField()),
                ("given_back", models.JSONField(null=True)),
            ],
            options={
                "db_table": '"ledger"."hold"',
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Lot",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "subscriber_id",
                        "expires_on",
                        "fund",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("subscriber_id", models.BigIntegerField()),
                ("expires_on", models.DateField()),
                ("fund", models.IntegerField()),
                ("points", models.BigIntegerField()),
            ],
            options={
                "db_table": '"ledger"."lot"',
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Pending",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "subscriber_id",
                        "occurred_on",
                        "source",
                        "ref",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("subscriber_id", models.BigIntegerField()),
                ("points", models.BigIntegerField()),
                ("noted_at", models.DateTimeField()),
                ("promised_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(null=True)),
                ("occurred_on", models.DateField()),
                ("expires_on", models.DateField()),
                ("fund", models.IntegerField()),
                ("source", models.SmallIntegerField()),
                ("state", models.SmallIntegerField()),
                ("ref", models.TextField()),
                ("fingerprint", models.BinaryField()),
            ],
            options={
                "db_table": '"ledger"."pending"',
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Posting",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "subscriber_id",
                        "occurred_on",
                        "source",
                        "ref",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("subscriber_id", models.BigIntegerField()),
                ("points", models.BigIntegerField()),
                ("posted_at", models.DateTimeField()),
                ("counterparty_id", models.BigIntegerField(null=True)),
                ("occurred_on", models.DateField()),
                ("expires_on", models.DateField(null=True)),
                ("reverses_on", models.DateField(null=True)),
                ("fund", models.IntegerField()),
                ("source", models.SmallIntegerField()),
                ("kind", models.SmallIntegerField()),
                ("contra", models.SmallIntegerField()),
                ("reverses_source", models.SmallIntegerField(null=True)),
                ("ref", models.TextField()),
                ("fingerprint", models.BinaryField()),
                ("lots", models.JSONField(null=True)),
                ("given", models.JSONField(null=True)),
                ("reverses_ref", models.TextField(null=True)),
                ("reason", models.TextField(null=True)),
                ("actor", models.TextField(null=True)),
            ],
            options={
                "db_table": '"ledger"."posting"',
                "managed": False,
            },
        ),
    ]
