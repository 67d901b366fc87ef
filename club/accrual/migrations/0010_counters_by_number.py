import django.db.models.deletion
from django.db import migrations, models

NAMES_TO_NUMBERS = """
    insert into accrual_counter (period, counted)
    select distinct period, counted from accrual_usedbyname order by period, counted;

    insert into accrual_used (counter_id, subscriber_id, points, times)
    select c.id, u.subscriber_id, u.points, u.times
      from accrual_usedbyname u join accrual_counter c using (period, counted)
     order by c.id, u.subscriber_id
"""
NUMBERS_TO_NAMES = """
    insert into accrual_usedbyname (period, counted, subscriber_id, points, times)
    select c.period, c.counted, u.subscriber_id, u.points, u.times
      from accrual_used u join accrual_counter c on c.id = u.counter_id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accrual", "0009_hours_of_rules"),
    ]

    operations = [
        migrations.RenameModel("Used", "UsedByName"),
        migrations.RunSQL(  # renaming a table leaves the name of its key taken
            "alter index accrual_used_pkey rename to accrual_usedbyname_pkey",
            "alter index accrual_usedbyname_pkey rename to accrual_used_pkey",
        ),
        migrations.CreateModel(
            name="Counter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("period", models.CharField(max_length=14)),
                ("counted", models.CharField(max_length=70)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("period", "counted"), name="one_counter_of_a_period"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Used",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "counter_id",
                        "subscriber_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("subscriber_id", models.BigIntegerField()),
                ("points", models.BigIntegerField()),
                ("times", models.BigIntegerField()),
                (
                    "counter",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accrual.counter",
                    ),
                ),
            ],
        ),
        migrations.RunSQL(NAMES_TO_NUMBERS, NUMBERS_TO_NAMES),
        migrations.DeleteModel("UsedByName"),
    ]
