"""The documents of a case: the list, adding one, taking one away."""

from __future__ import annotations

import re
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from casework.access.actions import Action
from casework.core.errors import Invalid
from casework.desk import selectors, services
from casework.desk.forms.sharing import DocumentForm
from casework.desk.views._shared import case_context, put_errors, under_case
from casework.documents import services as documents

# What a browser may be told; everything else is a stream of bytes. None of these runs anything.
_NAMED_TYPES = frozenset({"application/pdf", "image/jpeg", "image/png", "image/webp", "image/tiff"})
_UNSAFE_IN_NAMES = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\u200e\u200f\u202a-\u202e\u2066-\u2069]')


@login_required
@require_safe
def case_documents(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """List the documents of a case."""
    page = services.open_page(case_id)
    context = {**case_context(page.header, "case_documents"), "documents": selectors.document_lines(case_id)}
    return render(request, "desk/case_documents.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def document_new(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Add a document; the file was encrypted to this case while it arrived."""
    page = services.open_for(case_id, Action.ADD_DOCUMENT)
    form = DocumentForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            with transaction.atomic():
                documents.add_document(
                    case_id, upload=given["upload"], title=given["title"], kind=given["kind"], dated_on=form.dated
                )
        except Invalid as error:
            put_errors(form, error)
        else:
            messages.success(request, _("The document was added."))
            return redirect("case_documents", case_id=case_id)
    context = {
        "case": page.header,
        "form": form,
        "breadcrumbs": under_case(page.header, (_("Documents"), reverse("case_documents", args=[case_id]))),
    }
    return render(request, "desk/document_form.html", context)


@login_required
@require_POST
def document_download(request: HttpRequest, case_id: UUID, document_id: UUID) -> StreamingHttpResponse:
    """Stream a document, piece by verified piece; its trail entry is committed before the first byte leaves."""
    opened = documents.open_document(case_id, document_id)
    view = opened.view
    media_type = view.media_type if view.media_type in _NAMED_TYPES else "application/octet-stream"
    response = StreamingHttpResponse(opened.chunks, content_type=media_type)
    response["Content-Disposition"] = content_disposition_header(True, safe_name(view.file_name)) or "attachment"
    response["Content-Length"] = str(view.size)
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def safe_name(name: str) -> str:
    """Return a file name without characters that a system or a reader could be misled by."""
    return _UNSAFE_IN_NAMES.sub("_", name).strip(" .")[:150] or "document"
