"""The club's settings with one more address: the bare view that `api_me` is measured beside."""

from club.settings import *  # noqa: F403

ROOT_URLCONF = "bench.api_urls"
