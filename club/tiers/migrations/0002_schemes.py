"""Levels of any number of schemes. What stood so far becomes the scheme `club`: points of twelve months."""

import django.db.models.deletion
import django.db.models.functions
from django.db import migrations, models

MAIN = "club"
NAMES = {
    "uz": "Klub darajalari",
    "uz-cyrl": "Клуб даражалари",
    "ru": "Уровни клуба",
    "kaa": "Klub dárejeleri",
    "en": "Club levels",
}


def into_one_scheme(apps, schema_editor):
    Scheme, Tier, Standing = (
        apps.get_model("tiers", name) for name in ("Scheme", "Tier", "Standing")
    )
    if not Tier.objects.exists():
        return
    main = Scheme.objects.create(
        code=MAIN, names=NAMES, measure="points", period_months=1, window_months=12
    )
    Tier.objects.update(scheme=main)
    Standing.objects.update(scheme=main)


class Migration(migrations.Migration):
    dependencies = [("tiers", "0001_initial")]

    operations = [
        # Whole numbers that stay so: PostgreSQL's own sum of bigint is a numeric, at several times the price.
        migrations.RunSQL(
            """
            create aggregate tiers_sum(bigint) (
                sfunc = int8pl, stype = bigint, initcond = '0', combinefunc = int8pl, parallel = safe)
            """,
            "drop aggregate tiers_sum(bigint)",
        ),
        migrations.CreateModel(
            name="Scheme",
            fields=[
                ("code", models.SlugField(max_length=40, primary_key=True, serialize=False)),
                ("names", models.JSONField()),
                (
                    "measure",
                    models.CharField(
                        choices=[
                            ("points", "points"),
                            ("money_tiyin", "money_tiyin"),
                            ("events", "events"),
                            ("active_days", "active_days"),
                            ("tenure_months", "tenure_months"),
                        ],
                        max_length=20,
                    ),
                ),
                ("event_type", models.CharField(default="", max_length=20)),
                (
                    "period_months",
                    models.PositiveSmallIntegerField(choices=[(1, 1), (3, 3), (6, 6), (12, 12)]),
                ),
                ("window_months", models.PositiveSmallIntegerField(null=True)),
                ("grace_days", models.PositiveSmallIntegerField(default=0)),
                ("landing_steps", models.PositiveSmallIntegerField(default=1, null=True)),
                ("notice_days", models.PositiveSmallIntegerField(default=0)),
            ],
            options={
                "permissions": [
                    ("propose_scheme", "Can propose a change of levels"),
                    ("approve_scheme", "Can approve or refuse a proposed change of levels"),
                    ("propose_level", "Can propose a level for a subscriber"),
                    ("approve_level", "Can approve or refuse a level for a subscriber"),
                ],
            },
        ),
        migrations.AlterModelOptions(name="tier", options={"ordering": ["scheme", "rank"]}),
        migrations.RenameField("tier", "earned_points_min", "threshold"),
        migrations.AlterField("tier", "rank", models.PositiveSmallIntegerField()),
        migrations.AddField("tier", "benefits", models.JSONField(default=dict)),
        migrations.AddField(
            "tier",
            "scheme",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tiers",
                to="tiers.scheme",
            ),
        ),
        migrations.RenameField("standing", "earned_points", "measured"),
        migrations.AddField(
            "standing",
            "why",
            models.CharField(
                choices=[("earned", "Earned"), ("fell", "Fell"), ("given", "Given")],
                default="earned",
                max_length=10,
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            "standing",
            "scheme",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="tiers.scheme",
            ),
        ),
        migrations.RunPython(into_one_scheme, migrations.RunPython.noop),
        # What the deferred checks of these rows still have to say, before their tables change.
        migrations.RunSQL("set constraints all immediate", migrations.RunSQL.noop),
        migrations.AlterField(
            "tier",
            "scheme",
            models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tiers",
                to="tiers.scheme",
            ),
        ),
        migrations.AlterField(
            "standing",
            "scheme",
            models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="tiers.scheme"
            ),
        ),
        migrations.CreateModel(
            name="GivenLevel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("subscriber_id", models.BigIntegerField()),
                ("ends_on", models.DateField()),
                ("reason", models.CharField(max_length=300)),
                (
                    "scheme",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tiers.scheme",
                    ),
                ),
                (
                    "tier",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="tiers.tier",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("subscriber_id", "scheme"), name="one_given_level"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TierDay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("review_on", models.DateField()),
                ("standing", models.PositiveBigIntegerField()),
                ("rising", models.PositiveBigIntegerField()),
                ("falling", models.PositiveBigIntegerField()),
                ("standing_then", models.PositiveBigIntegerField()),
                (
                    "tier",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tiers.tier",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tier", "day"), name="one_count_of_a_level_a_day"
                    )
                ],
            },
        ),
        migrations.RemoveConstraint("standing", "standing_since"),
        migrations.RemoveConstraint("standing", "one_standing_now"),
        migrations.AddConstraint(
            "standing",
            models.UniqueConstraint(
                condition=models.Q(("until", None)),
                fields=("subscriber_id", "scheme"),
                name="one_standing_now",
            ),
        ),
        migrations.AddIndex(
            "standing",
            models.Index(fields=["subscriber_id", "since"], name="standing_of_subscriber"),
        ),
        migrations.AddIndex(
            "standing",
            models.Index(
                condition=models.Q(("until", None)),
                fields=["scheme", "tier"],
                name="standing_on_tier",
            ),
        ),
        migrations.AddConstraint(
            "tier",
            models.UniqueConstraint(
                deferrable=models.Deferrable["DEFERRED"],
                fields=("scheme", "rank"),
                name="one_level_of_a_rank",
            ),
        ),
    ]
