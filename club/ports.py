"""Which implementation stands behind each port. Bound by name in settings, so that no domain
imports an integration: the domain asks for its port, configuration answers."""

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string


@cache
def bound(name: str) -> object:
    """The one instance in this process of the class that `settings.CLUB_PORTS` names for a port.

    Raises KeyError when the port is not bound: that is a mistake of configuration.
    """
    return import_string(settings.CLUB_PORTS[name])()
