"""Who may bring events in our own format: sources are known by configuration (`CLUB_EVENT_SOURCES`)."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from club.accrual.rules.event_types import is_own
from club.errors import ClubError

OWN = "club"
"""The source of what the club makes itself; nobody else may speak in its name."""
RESERVED = frozenset({OWN, "espp"})


class UnknownSource(ClubError):
    code = "unknown_source"


class WrongCertificate(ClubError):
    code = "wrong_certificate"


class TypeNotAllowed(ClubError):
    code = "type_not_allowed"


@dataclass(frozen=True, slots=True)
class Source:
    """`subject` is the distinguished name of its client certificate, as the TLS terminator writes it;
    `types` are the types it may bring, none named means any but those that we make ourselves: a birthday
    that two tell would bring its gift twice."""

    name: str
    subject: str = ""
    types: frozenset[str] = frozenset()


def known(name: str) -> Source:
    """Raises UnknownSource. In the demo every source is welcome, but for those that are ours."""
    entry: Mapping[str, object] | None = settings.EVENT_SOURCES.get(name)
    if name in RESERVED or (entry is None and not settings.IS_DEMO):
        raise UnknownSource("this source is not known here: name it in CLUB_EVENT_SOURCES")
    if entry is None:
        return Source(name)
    types = entry.get("types", [])
    assert isinstance(types, list), "CLUB_EVENT_SOURCES: types is a list"
    return Source(name, str(entry.get("subject", "")), frozenset(map(str, types)))


def admit(name: str, *, type_: str, subject: str | None) -> Source:
    """The source, if it may bring this type and the certificate is its own.

    `subject` is that of the verified client certificate; None where mutual TLS is not asked for, the
    file came by hand or the broker has looked. Raises UnknownSource, WrongCertificate, TypeNotAllowed.
    """
    source = known(name)
    if subject is not None and subject != source.subject:
        raise WrongCertificate("the client certificate is not this source's")
    if source.types and type_ not in source.types:
        raise TypeNotAllowed(f"{name} may not bring events of type {type_}")
    if not source.types and is_own(type_):
        raise TypeNotAllowed(
            f"the club makes events of type {type_} itself; if {name} is to bring them, name the type"
            f" among its types in CLUB_EVENT_SOURCES"
        )
    return source
