"""The dossier: chosen, encrypted to who receives it, handed out once."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from casework.access.actions import Action
from casework.accounts.strong import freshly_confirmed
from casework.core.errors import Invalid
from casework.desk import services
from casework.desk.forms.sharing import DossierForm
from casework.desk.views._shared import handed_out, put_errors, under_case
from casework.documents import selectors as documents
from casework.dossiers import services as dossiers
from casework.printing import delivery


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@freshly_confirmed
def dossier_new(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Ask what goes into the dossier and who receives it; the answer to the form is the encrypted file itself."""
    page = services.open_for(case_id, Action.EXPORT_DOSSIER)
    form = DossierForm(
        request.POST or None,
        documents=documents.documents_of(case_id),
        own_key=str(getattr(request.user, "age_recipient", "")),
        passphrase=delivery.new_passphrase(),
    )
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                export = dossiers.export(
                    case_id,
                    document_ids=form.document_ids,
                    recipient=form.recipient_key,
                    passphrase=form.chosen_passphrase,
                    purpose=form.cleaned_data["purpose"],
                )
        except Invalid as error:
            put_errors(form, error)
        else:
            response = HttpResponse(export.content)
            return handed_out(response, name=export.file_name, media_type="application/octet-stream")
    context = {"case": page.header, "form": form, "breadcrumbs": under_case(page.header)}
    return render(request, "desk/dossier_form.html", context)
