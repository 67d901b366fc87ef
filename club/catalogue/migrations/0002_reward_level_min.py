import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalogue", "0001_initial"), ("tiers", "0002_schemes")]

    operations = [
        migrations.AddField(
            "reward",
            "level_min",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="tiers.tier",
            ),
        ),
    ]
