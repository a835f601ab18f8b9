"""The demo's mailbox; its address exists in demo mode alone."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from casework.notices import selectors as notices


@login_required
@require_safe
def mailbox(request: HttpRequest) -> HttpResponse:
    """Show the mails that the demo sent, newest first."""
    return render(request, "desk/demo_mailbox.html", {"mails": notices.mailbox()})
