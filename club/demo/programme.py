import json
from datetime import datetime
from importlib import resources

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from club.accrual import campaigns
from club.accrual.models import Campaign
from club.catalogue.models import Reward
from club.languages import missing_in
from club.ledger import actions as ledger
from club.messages.models import Template
from club.programme.models import Programme
from club.tiers import schemes


@transaction.atomic
def load(*, now: datetime) -> None:
    """Load the demo programme, or bring a loaded one back to what the file says.

    Rules that are already published stay as they are: a version is never changed.
    """
    data = json.loads(resources.files("club.demo").joinpath("programme.json").read_text("utf-8"))
    Programme.objects.update_or_create(id=1, defaults=data["programme"])
    for fund in data["funds"]:
        ledger.make_fund(**fund)
    for scheme in data["schemes"]:
        schemes.put_in_force(scheme, now)
    for position, reward in enumerate(data["rewards"]):
        Reward.objects.update_or_create(
            code=reward["code"],
            defaults=reward | {"position": position},
            create_defaults=reward | {"position": position, "valid_from": now},
        )
    for code, texts in data["templates"].items():
        assert not missing_in(texts), f"template {code} lacks {missing_in(texts)}"
        Template.objects.update_or_create(code=code, defaults={"texts": texts})
    for campaign in data["campaigns"]:
        rules = campaign.pop("rules")
        row, _ = Campaign.objects.update_or_create(code=campaign["code"], defaults=campaign)
        for rule in rules:
            campaigns.publish_once(
                campaign=row,
                rule=json.dumps(rule["rule"]),
                names=rule["names"],
                in_force=DateTimeTZRange(None, None),
                now=now,
            )
