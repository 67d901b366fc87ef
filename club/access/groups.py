"""The roles of staff, as groups with permissions. More rights are given in the office itself."""

from django.contrib.auth.models import Group, Permission
from django.db import transaction

CALL_CENTRE = "Call centre"
CALL_CENTRE_HEADS = "Call centre heads"
MARKETING = "Marketing"
MARKETING_HEADS = "Marketing heads"
ROLES = {
    CALL_CENTRE: ("wagtailadmin.access_admin", "subscribers.view_subscriber"),
    # They may ask for a level as well; marketing's heads answer.
    CALL_CENTRE_HEADS: (
        "wagtailadmin.access_admin",
        "subscribers.view_subscriber",
        "tiers.propose_level",
    ),
    MARKETING: (
        "wagtailadmin.access_admin",
        "accrual.propose_campaign",
        "tiers.propose_scheme",
        "tiers.propose_level",
    ),
    # They may propose as well, and answer what the others did.
    MARKETING_HEADS: (
        "wagtailadmin.access_admin",
        "accrual.propose_campaign",
        "accrual.approve_campaign",
        "tiers.propose_scheme",
        "tiers.approve_scheme",
        "tiers.propose_level",
        "tiers.approve_level",
    ),
}


@transaction.atomic
def ensure() -> dict[str, Group]:
    """Create the roles that are missing, with the permissions they start with.

    A group that exists is left as its administrators made it.
    """
    groups = {}
    for role, permissions in ROLES.items():
        group, is_new = Group.objects.get_or_create(name=role)
        if is_new:
            group.permissions.set([permission(name) for name in permissions])
        groups[role] = group
    return groups


def permission(name: str) -> Permission:
    app_label, codename = name.split(".")
    return Permission.objects.get(content_type__app_label=app_label, codename=codename)
