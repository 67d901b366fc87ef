"""The club's addresses and a bare Django view that reads one row: same server, same middleware."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from club.subscribers.models import Subscriber
from club.urls import urlpatterns as of_the_club


def bare(request: HttpRequest, subscriber_id: int) -> HttpResponse:
    row = Subscriber.objects.values("id", "msisdn", "language").get(id=subscriber_id)
    return JsonResponse(row)


urlpatterns = [path("bench/bare/<int:subscriber_id>", bare), *of_the_club]
