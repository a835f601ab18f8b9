"""The documents of a case: the list, adding one, taking one away."""

from __future__ import annotations

import re
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from casework.access.actions import Action
from casework.core.errors import Invalid
from casework.desk import selectors, services
from casework.desk.forms.sharing import DocumentForm
from casework.desk.views._shared import case_context, handed_out, put_errors, under_case
from casework.documents import services as documents
from casework.documents import uploads
from casework.documents.types import DocumentView

# What a browser may be told; everything else is a stream of bytes. None of these runs anything.
_NAMED_TYPES = frozenset({"application/pdf", "image/jpeg", "image/png", "image/webp", "image/tiff"})
_UNSAFE_IN_NAMES = re.compile(
    r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]'
)
_LONGEST_NAME, _LONGEST_ENDING = 200, 10
# Names that Windows keeps for itself, whatever ending follows.
_DEVICES = frozenset(
    {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(1, 10))}
)


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
    sent = request.method == "POST"
    form = DocumentForm(request.POST if sent else None, request.FILES if sent else None)
    if problem := uploads.problem_of(request):
        form.full_clean()
        form.errors.clear()  # it was sent, and what stood behind it perhaps not read: "required" would mislead
        form.add_error("upload", problem)
    if form.is_valid():
        given = form.cleaned_data
        try:
            with transaction.atomic():
                document_id = documents.add_document(
                    case_id, upload=given["upload"], title=given["title"], kind=given["kind"], dated_on=form.dated
                )
        except Invalid as error:
            put_errors(form, error)
        else:
            if documents.is_there_already(case_id, document_id):
                messages.warning(
                    request,
                    _("The document was added. The very same file is already among the documents of this case."),
                )
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
def document_download(request: HttpRequest, case_id: UUID, document_id: UUID) -> HttpResponseBase:
    """Stream a document as it was received, piece by verified piece, or hand out a copy without hidden data.

    The trail's entry is committed before the first byte leaves. There is no GET, so no HEAD, and no range: a link or a
    download manager would open a document that nobody asked for.
    """
    if request.POST.get("copy") == "clean":
        try:
            copy = documents.clean_copy(case_id, document_id)
        except Invalid as error:
            messages.error(request, " ".join(str(sentence) for sentence in error.fields.values()))
            return redirect("case_documents", case_id=case_id)
        return _handed_out(HttpResponse(copy.content), copy.view, size=len(copy.content))
    opened = documents.open_document(case_id, document_id)
    return _handed_out(StreamingHttpResponse(opened.chunks), opened.view, size=opened.view.size)


def _handed_out(response: HttpResponseBase, view: DocumentView, *, size: int) -> HttpResponseBase:
    known = view.media_type in _NAMED_TYPES
    response["Content-Length"] = str(size)
    response["Accept-Ranges"] = "none"
    media_type = view.media_type if known else "application/octet-stream"
    return handed_out(response, name=safe_name(view.file_name), media_type=media_type)


def safe_name(name: str) -> str:
    """Return a file name without characters, or an outline, that a system or a reader could be misled by."""
    # Systems count bytes, most 255 of them; the ending stays, since by it they choose the program.
    stem, dot, ending = _UNSAFE_IN_NAMES.sub("_", name).strip(" .").rpartition(".")
    if not dot or len(ending) > _LONGEST_ENDING:
        stem, dot, ending = stem + dot + ending, "", ""
    room = _LONGEST_NAME - len((dot + ending).encode())
    stem = stem.encode(errors="ignore")[:room].decode(errors="ignore").rstrip(" .")
    if stem.split(".")[0].upper() in _DEVICES:
        stem = f"_{stem}"
    return stem + dot + ending if stem else "document"
