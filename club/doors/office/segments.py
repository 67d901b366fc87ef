"""Lists of subscribers in the office: imported from a file, deleted when no rule asks for them."""

from typing import BinaryIO, cast

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods
from wagtail.admin.auth import permission_required

from club.access.models import Staff
from club.access.proposals import WHY_CHARS_MAX
from club.accrual import segments
from club.accrual.errors import BadSegment
from club.errors import ClubError


@permission_required(segments.PERMISSION)
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """All lists; below them a file for a new one, or for one as it should be."""
    report: object = None
    error: ClubError | None = None
    if request.method == "POST":
        assert isinstance(request.user, Staff), "Wagtail lets nobody else in"
        try:
            if request.POST.get("deed") == "delete":
                code = request.POST.get("code", "")
                segments.delete(code=code, by=request.user, now=timezone.now())
            else:
                report = _imported(request, request.user)
        except ClubError as refused:
            error, report = refused, refused.values.get("report")
    return TemplateResponse(
        request,
        "office/segments.html",
        {
            "segments": segments.segments(),
            "report": report,
            "error": error,
            "given": request.POST if error else {},
            "why_chars_max": WHY_CHARS_MAX,
            "name_chars_max": segments.NAME_CHARS_MAX,
        },
        status=200 if error is None else 422,
    )


def _imported(request: HttpRequest, by: Staff) -> segments.Report:
    file = request.FILES.get("file")
    if file is None or file.file is None:
        raise BadSegment("there is no file")
    return segments.bring_in(
        code=request.POST.get("code", ""),
        name=request.POST.get("name", ""),
        stream=cast(BinaryIO, file.file),
        why=request.POST.get("why", ""),
        by=by,
        now=timezone.now(),
        accept_broken=request.POST.get("accept_broken") == "on",
    )
