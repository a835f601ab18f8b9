"""Unusual access: saying that one has looked at it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from casework.access import watching


@login_required
@require_POST
def unusual_seen(request: HttpRequest, finding_id: UUID) -> HttpResponse:
    """Note who has looked at something unusual; what goes on after that is told anew."""
    watching.look_at(finding_id)
    messages.success(request, _("Noted that you have looked at it. It stays in the audit trail."))
    return redirect("team")
