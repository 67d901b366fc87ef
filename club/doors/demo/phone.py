"""A phone on the screen: its messages, a top-up, and the club as a subscriber meets it.

Everything goes the whole way: the top-up is a payment agent's message to the intake, the messages
are what the message centre took over SMPP, the club is the public API. Numbers travel in bodies,
never in addresses.
"""

import logging
from collections.abc import Callable
from functools import wraps

import httpx
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET, require_POST

from club.doors.demo import payments
from club.doors.demo.sentences import for_script
from club.languages import CODES, LANGUAGES, UZBEK
from club.reports import wording
from club.subscribers import queries as subscribers
from club.subscribers.rules import BadMsisdn, msisdn

log = logging.getLogger(__name__)
View = Callable[[HttpRequest], HttpResponse]
NUMBERS_OFFERED = 6
INBOX_TIMEOUT_S = 2.0
AMOUNTS_UZS = (10_000, 25_000, 50_000, 100_000)


def only_in_the_demo(view: View) -> View:
    @wraps(view)
    def guarded(request: HttpRequest) -> HttpResponse:
        if not settings.IS_DEMO:
            raise Http404
        return view(request)

    return guarded


@only_in_the_demo
@require_GET
@ensure_csrf_cookie
def phone(request: HttpRequest) -> HttpResponse:
    with translation.override(language_of(request)):
        return render(
            request,
            "demo/phone.html",
            {
                "languages": LANGUAGES,
                "language": translation.get_language(),
                "numbers": subscribers.first_numbers(limit=NUMBERS_OFFERED),
                "amounts": [(amount, wording.number(amount)) for amount in AMOUNTS_UZS],
                "sentences": for_script(),
            },
        )


@only_in_the_demo
@require_POST
def inbox(request: HttpRequest) -> HttpResponse:
    """The messages of one number, newest last, as the demo's message centre has them."""
    try:
        number = msisdn(request.POST.get("msisdn", ""))
        answer = httpx.get(
            f"{settings.DEMO_PHONE_URL}/messages",
            params={"msisdn": number},
            timeout=INBOX_TIMEOUT_S,
        ).raise_for_status()
        return JsonResponse({"messages": answer.json()})
    except BadMsisdn as error:
        return refused(error.code, status=422)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        log.warning("the demo's message centre does not answer")
        return refused("no_message_centre", status=502)


@only_in_the_demo
@require_POST
def top_up(request: HttpRequest) -> HttpResponse:
    """Pay for one number as a kiosk or an app would: check, then accept."""
    try:
        number = msisdn(request.POST.get("msisdn", ""))
        amount_uzs = int(request.POST.get("amount_uzs", ""))
        payments.pay(msisdn=number, amount_uzs=amount_uzs, channel=request.POST.get("channel", ""))
    except BadMsisdn as error:
        return refused(error.code, status=422)
    except ValueError:
        return refused("bad_amount", status=422)
    except payments.PaymentFailed as error:
        return refused(error.code, status=502, text=error.message)
    return JsonResponse({"paid_uzs": amount_uzs})


def language_of(request: HttpRequest) -> str:
    """What the visitor chose here, else what the browser asks for."""
    chosen = request.GET.get("lang", "")
    return chosen if chosen in CODES else translation.get_language() or UZBEK


def refused(code: str, *, status: int, text: str = "") -> HttpResponse:
    return JsonResponse({"code": code, "text": text}, status=status)
