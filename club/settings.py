"""All settings of the club. What differs between installations comes from the environment.

The list of variables with their defaults is in `docs/operations.md`.
"""

import json
import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.conf.locale import LANG_INFO

from club.languages import LANGUAGES as SUBSCRIBER_LANGUAGES

BASE = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("CLUB_HOME", BASE / ".club"))
# One file a day that proves what the books held; best kept where the database's owner has no rights.
SEALS = Path(os.environ.get("CLUB_SEALS", HOME / "seals"))
# The events that campaigns are simulated over, as Parquet.
EXPORT = Path(os.environ.get("CLUB_EXPORT", HOME / "export"))
IS_DEMO = os.environ.get("CLUB_DEMO") == "1"
"""The demo programme's conveniences: the demo phone, and simulators of the operator's systems."""


def database_settings(url: str) -> dict[str, object]:
    """A postgresql:// address as Django wants it; query parameters become libpq options."""
    parts = urlsplit(url)
    options: dict[str, object] = dict(parse_qsl(parts.query))
    if role := os.environ.get("CLUB_DATABASE_ROLE"):
        # The ledger's tables are writable by their owner only; this role has its functions.
        options["options"] = f"{options.get('options', '')} -c role={role}".strip()
    options.setdefault("application_name", "beeline-club")
    options["connect_timeout"] = int(str(options.get("connect_timeout", 5)))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or "") or str(options.pop("host", "")),
        "PORT": str(parts.port or options.pop("port", "")),
        "OPTIONS": options,
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }


def limit(variable: str, default: str) -> int | None:
    """A limit from the environment: a number, or nothing for none."""
    value = os.environ.get(variable, default)
    return int(value) if value else None


DATABASES = {"default": database_settings(os.environ.get("DATABASE_URL", "postgresql:///club"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

SECRET_KEY = os.environ.get("CLUB_SECRET_KEY", "")  # `club run` makes one in CLUB_HOME
DEBUG = False
ALLOWED_HOSTS = os.environ.get("CLUB_HOSTS", "127.0.0.1,localhost,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = [o for o in os.environ.get("CLUB_ORIGINS", "").split(",") if o]
IS_BEHIND_TLS = os.environ.get("CLUB_TLS") == "1"
if IS_BEHIND_TLS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_BEHIND_TLS
SESSION_COOKIE_NAME = os.environ.get("CLUB_SESSION_COOKIE", "club_session")
X_FRAME_OPTIONS = "SAMEORIGIN"

INSTALLED_APPS = [
    "club.access",
    "club.subscribers",
    "club.ledger",
    "club.programme",
    "club.tiers",
    "club.catalogue",
    "club.messages",
    "club.accrual",
    "club.engagement",
    "club.orders",
    "club.signin",
    "club.erasure",
    "club.doors",
    # The demo first: of the office's Uzbek, Uzbek in Cyrillic would get what both of them say.
    "club.doors.demo",
    "club.doors.office",
    "procrastinate.contrib.django",
    "wagtail.snippets",
    "wagtail.users",
    "wagtail.images",
    "wagtail.documents",
    "wagtail.search",
    "wagtail.admin",
    "wagtail",
    "modelsearch",
    "taggit",
    "ninja",
    "csp",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]
PROCRASTINATE_IMPORT_PATHS = ["club.accrual.simulation.tasks"]
AUTH_USER_MODEL = "access.Staff"

MIDDLEWARE = [
    "club.doors.health.CountRequests",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
]
ROOT_URLCONF = "club.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
WSGI_APPLICATION = "club.wsgi.application"

# ---- languages -------------------------------------------------------------------------------
# Two of the five are unknown to Django; both are written from left to right.
LANG_INFO["uz-cyrl"] = {
    "bidi": False,
    "code": "uz-cyrl",
    "name": "Uzbek (Cyrillic)",
    "name_local": "Ўзбекча",
}
LANG_INFO["kaa"] = {
    "bidi": False,
    "code": "kaa",
    "name": "Karakalpak",
    "name_local": "Qaraqalpaqsha",
}
LANGUAGES = WAGTAIL_CONTENT_LANGUAGES = SUBSCRIBER_LANGUAGES
LANGUAGE_CODE = "uz"
LOCALE_PATHS = [BASE / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Tashkent"

# ---- office ----------------------------------------------------------------------------------
WAGTAIL_SITE_NAME = "Beeline Club"
WAGTAILADMIN_BASE_URL = os.environ.get("CLUB_URL", "http://127.0.0.1:8000")
WAGTAILADMIN_PERMITTED_LANGUAGES = [("ru", "Русский"), ("uz", "Oʻzbekcha"), ("en", "English")]
WAGTAIL_I18N_ENABLED = True
WAGTAIL_USER_TIME_ZONES = [TIME_ZONE]  # a business day is Tashkent's, whoever looks
# No page of ours ever calls an outside host.
WAGTAIL_GRAVATAR_PROVIDER_URL = None
WAGTAIL_ENABLE_UPDATE_CHECK = False
WAGTAIL_ENABLE_WHATS_NEW_BANNER = False
LOGIN_URL = "wagtailadmin_login"
SILENCED_SYSTEM_CHECKS = ["wagtailadmin.W003"]

# Scripts come from our own files only. Wagtail writes style attributes, so styles may stand inline;
# its widgets with a script inline need a template of ours (date and time fields have one).
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:", "blob:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "frame-src": ["'self'"],
        "frame-ancestors": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
    }
}
SECURE_REFERRER_POLICY = "same-origin"

STATIC_URL = "/static/"
MEDIA_URL = "/media/"
MEDIA_ROOT = HOME / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"  # notices go through the outbox
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# ---- signing in: limits as "times/seconds", several with spaces between ------------------------
SIGNIN_CODES_PER_MSISDN = os.environ.get("CLUB_SIGNIN_CODES_PER_MSISDN", "3/600 10/86400")
# A mobile network puts thousands of phones behind one address.
SIGNIN_CODES_PER_ADDRESS = os.environ.get("CLUB_SIGNIN_CODES_PER_ADDRESS", "300/600")
SIGNIN_TRIES_PER_ADDRESS = os.environ.get("CLUB_SIGNIN_TRIES_PER_ADDRESS", "600/600")
API_WRITES_PER_SUBSCRIBER = os.environ.get("CLUB_API_WRITES_PER_SUBSCRIBER", "60/60")
# How many proxies of ours stand before the club and add to X-Forwarded-For.
PROXIES = int(os.environ.get("CLUB_PROXIES", "0"))

# ---- what stands behind each port ------------------------------------------------------------
CLUB_PORTS = {
    "happenings": "club.accrual.happenings.DecidedEvents",
    "provisioning": "club.integrations.glassfish.provisioning.GlassfishProvisioning",
    "event_stream": "club.integrations.rabbitmq.stream.RabbitStream",
}
# An order that could not be sent for this long gives its points back.
ORDER_HOLD_HOURS = int(os.environ.get("CLUB_ORDER_HOLD_HOURS", "48"))

# The terms of sending points; an empty limit is none.
TRANSFERS: dict[str, int | None] = {
    "points_per_day_max": limit("CLUB_TRANSFER_POINTS_PER_DAY_MAX", "5000"),
    "times_per_day_max": limit("CLUB_TRANSFER_TIMES_PER_DAY_MAX", "5"),
    "points_per_month_max": limit("CLUB_TRANSFER_POINTS_PER_MONTH_MAX", "20000"),
    "times_per_month_max": limit("CLUB_TRANSFER_TIMES_PER_MONTH_MAX", "30"),
    "min_age_days": int(os.environ.get("CLUB_TRANSFER_MIN_AGE_DAYS", "3")),
    "fee_fixed_points": int(os.environ.get("CLUB_TRANSFER_FEE_FIXED_POINTS", "0")),
    "fee_basis_points": int(os.environ.get("CLUB_TRANSFER_FEE_BASIS_POINTS", "0")),
}
# After a SIM swap or a change of owner nothing is sent for this long.
TRANSFER_FREEZE_HOURS = int(os.environ.get("CLUB_TRANSFER_FREEZE_HOURS", "72"))

# Agent code -> {"channel", and where wanted "contract", "subject", "certificate"}.
ESPP_AGENTS: dict[str, dict[str, str]] = json.loads(os.environ.get("CLUB_ESPP_AGENTS", "{}"))
ESPP_CODES: dict[str, int] = json.loads(os.environ.get("CLUB_ESPP_CODES", "{}"))
ESPP_CONTROL_CODE = os.environ.get("CLUB_ESPP_CONTROL_CODE", "off")  # off, md5 or rsa-sha1
# With mutual TLS ended before us, the client's certificate is believed from this address alone.
ESPP_MTLS = os.environ.get("CLUB_ESPP_MTLS") == "1"
TLS_PROXY = [a for a in os.environ.get("CLUB_TLS_PROXY", "").split(",") if a]

# Source of events -> {} or where wanted {"subject", "types": [...]}.
EVENT_SOURCES: dict[str, dict[str, object]] = json.loads(os.environ.get("CLUB_EVENT_SOURCES", "{}"))
EVENTS_MTLS = os.environ.get("CLUB_EVENTS_MTLS") == "1"
# amqp:// or amqps://, with heartbeat and certificates as its parameters; empty for no broker.
BROKER_URL = os.environ.get("CLUB_BROKER_URL", "")
BROKER_QUEUE = os.environ.get("CLUB_BROKER_QUEUE", "club.events")
# After how many months with us there is an event of tenure: these, and every so many.
TENURE_MONTHS = [int(months) for months in os.environ.get("CLUB_TENURE_MONTHS", "1 3 6").split()]
TENURE_EVERY_MONTHS = int(os.environ.get("CLUB_TENURE_EVERY_MONTHS", "12"))

GLASSFISH_URL = os.environ.get("CLUB_GLASSFISH_URL", "http://127.0.0.1:8090/SubscriberService")
GLASSFISH_TOKEN = os.environ.get("CLUB_GLASSFISH_TOKEN", "")
GLASSFISH_CONNECT_TIMEOUT_S = float(os.environ.get("CLUB_GLASSFISH_CONNECT_TIMEOUT_S", "3"))
GLASSFISH_ANSWER_TIMEOUT_S = float(os.environ.get("CLUB_GLASSFISH_ANSWER_TIMEOUT_S", "10"))

SMSC_HOST = os.environ.get("CLUB_SMSC_HOST", "127.0.0.1")
SMSC_PORT = int(os.environ.get("CLUB_SMSC_PORT", "2775"))
SMSC_SYSTEM_ID = os.environ.get("CLUB_SMSC_SYSTEM_ID", "club")
SMSC_PASSWORD = os.environ.get("CLUB_SMSC_PASSWORD", "")
SMSC_SENDER = os.environ.get("CLUB_SMSC_SENDER", "Beeline")
SMSC_RATE_PER_S = float(os.environ.get("CLUB_SMSC_RATE_PER_S", "50"))
SMSC_WINDOW = int(os.environ.get("CLUB_SMSC_WINDOW", "20"))
SMSC_ANSWER_TIMEOUT_S = float(os.environ.get("CLUB_SMSC_ANSWER_TIMEOUT_S", "10"))
SMSC_ENQUIRE_S = float(os.environ.get("CLUB_SMSC_ENQUIRE_S", "30"))
# "transceiver", or "pair": a transmitter and a receiver, where the contract wants two binds.
SMSC_BIND = os.environ.get("CLUB_SMSC_BIND", "transceiver")
SMSC_SYSTEM_TYPE = os.environ.get("CLUB_SMSC_SYSTEM_TYPE", "")
SMSC_SENDER_TON = int(os.environ.get("CLUB_SMSC_SENDER_TON", "5"))
SMSC_SENDER_NPI = int(os.environ.get("CLUB_SMSC_SENDER_NPI", "0"))
SMSC_DESTINATION_TON = int(os.environ.get("CLUB_SMSC_DESTINATION_TON", "1"))
SMSC_DESTINATION_NPI = int(os.environ.get("CLUB_SMSC_DESTINATION_NPI", "1"))
# How the centre spells a message's id in its answer and in its receipt: text, hex or decimal.
SMSC_ANSWER_ID = os.environ.get("CLUB_SMSC_ANSWER_ID", "text")
SMSC_RECEIPT_ID = os.environ.get("CLUB_SMSC_RECEIPT_ID", "text")
# Vendors differ in what means "not now": throttled, queue full, system error.
SMSC_LATER = os.environ.get("CLUB_SMSC_LATER", "0x58,0x14,0x08,0x04")
# The demo's message centre shows what it took here; empty outside the demo.
DEMO_PHONE_URL = os.environ.get("CLUB_DEMO_PHONE_URL", "")
# The demo's payment agent, which the phone's top-up asks to pay; empty outside the demo.
DEMO_AGENT_URL = os.environ.get("CLUB_DEMO_AGENT_URL", "")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("CLUB_LOG", "INFO")},
    "loggers": {
        "procrastinate": {"level": "WARNING"},
        "pika": {"level": "CRITICAL"},  # what it loses is told by whoever asked it
    },
}
