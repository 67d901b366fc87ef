from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET


@require_GET
def start(request: HttpRequest) -> HttpResponse:
    """The addresses of a demo; an operator's staff go straight to the office."""
    if not settings.IS_DEMO:
        return redirect("wagtailadmin_home")
    return render(request, "demo/start.html")
