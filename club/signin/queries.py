from club.signin.models import Family
from club.signin.tokens import Session
from club.subscribers.models import Status, Subscriber


def is_alive(session: Session) -> bool:
    """Whether a session may still write: not signed out or revoked, its subscriber still active.

    Reads believe the access token for its ten minutes; what moves points asks here. One query.
    """
    families = Family.objects.filter(id=session.family, revoked_at=None)
    active = Subscriber.objects.filter(id=session.subscriber_id, status=Status.ACTIVE)
    return active.filter(id__in=families.values("subscriber_id")).exists()
