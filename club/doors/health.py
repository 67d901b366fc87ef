"""For probes and graphs. Nothing here tells anything about a person; keep it inside all the same."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from threading import Lock

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from club.accrual.budgets import Budget
from club.clock import TASHKENT
from club.reports import vitals

VITALS_AGE_MAX_S = 15
OUTSTANDING_AGE_MAX_S = 600
NO_ROUTE = "(no such address)"

REQUESTS = Counter("club_requests", "Requests answered", ["route", "method", "status"])
LATENCY = Histogram(
    "club_request_seconds",
    "Time to answer a request",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


@never_cache
@require_safe
def live(_request: HttpRequest) -> HttpResponse:
    """This process answers. Says nothing about anything behind it."""
    return JsonResponse({"status": "live"})


@never_cache
@require_safe
def ready(_request: HttpRequest) -> HttpResponse:
    """Whether traffic is welcome here; 503 with sentences when it is not."""
    missing = vitals.what_is_missing(now=datetime.now(tz=UTC))
    if missing:
        return JsonResponse({"status": "not ready", "missing": missing}, status=503)
    return JsonResponse({"status": "ready"})


@never_cache
@require_safe
def metrics(_request: HttpRequest) -> HttpResponse:
    """Prometheus text: the requests of all web processes, and what is open in the database."""
    requests = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        requests = CollectorRegistry()
        MultiProcessCollector(requests)
    text = generate_latest(requests) + generate_latest(DATABASE)
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)


class FromTheDatabase(Collector):
    """The figures of `club.reports.vitals`, asked anew when they are too old."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.read_at = self.summed_at = float("-inf")
        self.open: vitals.Vitals | None = None
        self.outstanding_points = 0
        self.budgets: list[Budget] = []

    def collect(self) -> Iterator[Metric]:
        is_up = self.refresh()
        yield GaugeMetricFamily("club_database_up", "1 when the database answers", float(is_up))
        if not is_up or self.open is None:
            return
        for noun in ("events", "messages", "orders"):
            family = GaugeMetricFamily(
                f"club_open_{noun}", f"Unfinished {noun} by state", labels=["state"]
            )
            for state, count in getattr(self.open, noun).items():
                family.add_metric([state], count)
            yield family
        yield GaugeMetricFamily(
            "club_outstanding_points", "Points owed to subscribers", self.outstanding_points
        )
        yield from of_the_books(self.open)
        yield from of_budgets(self.budgets)

    def refresh(self) -> bool:
        with self.lock:
            try:
                if time.monotonic() - self.read_at > VITALS_AGE_MAX_S:
                    self.open = vitals.vitals()
                    self.budgets = vitals.budgets(now=datetime.now(tz=UTC))
                    self.read_at = time.monotonic()
                if time.monotonic() - self.summed_at > OUTSTANDING_AGE_MAX_S:
                    self.outstanding_points = vitals.outstanding_points()
                    self.summed_at = time.monotonic()
            except DatabaseError:
                return False
        return True


def of_the_books(open_now: vitals.Vitals) -> Iterator[Metric]:
    """What never was has no figure: an alert on its absence is right."""
    books = open_now.books
    if books.breaches is not None and books.proven_at is not None:
        yield GaugeMetricFamily(
            "club_ledger_breaches", "Laws broken at the last nightly proof", books.breaches
        )
        yield GaugeMetricFamily(
            "club_ledger_proven_at",
            "When the books were proven last, in seconds since 1970",
            books.proven_at.timestamp(),
        )
    if books.sealed_on is not None:
        end = datetime.combine(books.sealed_on + timedelta(days=1), clock_time(), TASHKENT)
        yield GaugeMetricFamily(
            "club_ledger_sealed_until",
            "The end of the last sealed day, in seconds since 1970",
            end.timestamp(),
        )


def of_budgets(budgets: Sequence[Budget]) -> Iterator[Metric]:
    """What is left of each, and of how much; the rate of the first tells when it runs out."""
    labels = ["campaign", "whose", "period", "unit"]
    left = GaugeMetricFamily("club_budget_left", "What is left of a budget", labels=labels)
    most = GaugeMetricFamily("club_budget_most", "The whole of a budget", labels=labels)
    seen = set()
    for budget in budgets:
        named = [budget.campaign, budget.name, budget.limit.period, budget.limit.unit]
        if tuple(named) not in seen:  # rules of a campaign may have budgets of different size
            seen.add(tuple(named))
            left.add_metric(named, budget.left)
            most.add_metric(named, budget.limit.most)
    yield left
    yield most


DATABASE = CollectorRegistry()
DATABASE.register(FromTheDatabase())


class CountRequests:
    """Middleware. Labels are routes, never addresses: an address may name a person."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        route = match.route if match else NO_ROUTE
        method = request.method if request.method in KNOWN_METHODS else "other"
        REQUESTS.labels(route, method, response.status_code).inc()
        LATENCY.labels(route).observe(time.perf_counter() - started)
        return response


KNOWN_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

urlpatterns = [
    path("health/live", live),
    path("health/ready", ready),
    path("metrics", metrics),
]
