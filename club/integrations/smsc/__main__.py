"""python -m club.integrations.smsc: the process of `club sms`, for a supervisor."""

import django

django.setup()

from club.integrations.smsc import service  # noqa: E402  # Models need the apps to be ready.

if __name__ == "__main__":
    service.main()
