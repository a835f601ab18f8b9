"""Pages about oneself: accepting an invitation, the profile, and the demo's one-time links."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from allauth.account.internal.flows.login import record_authentication
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from casework.accounts import devices, keeping, profiles, resets, selectors, services, strong
from casework.accounts.forms import AcceptInvitationForm, ProfileForm
from casework.accounts.models import User
from casework.accounts.types import Role
from casework.core.errors import Invalid, NotFound


@method_decorator(never_cache, name="dispatch")
class AcceptInvitation(View):
    """The way in for someone invited: name and password, then the second factor."""

    http_method_names = ("get", "head", "post")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.user.is_authenticated and (request.method or "").lower() in self.http_method_names:
            return render(request, "accounts/already_signed_in.html", status=409)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return self._form(request, token, AcceptInvitationForm())

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        form = AcceptInvitationForm(request.POST)
        if not form.is_valid():
            return self._form(request, token, form)
        given = form.cleaned_data
        try:
            user = services.accept_invitation(token=token, name=given["name"], password=given["password"])
        except NotFound:
            return _no_invitation(request)
        except Invalid as error:
            for field, sentence in error.fields.items():
                form.add_error(field if field in form.fields else None, str(sentence))
            return self._form(request, token, form)
        login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
        record_authentication(request, user, method="password", reauthenticated=True)
        messages.success(request, _("Your account is ready. One more step makes it safe."))
        return redirect("mfa_activate_totp")

    def _form(self, request: HttpRequest, token: str, form: AcceptInvitationForm) -> HttpResponse:
        try:
            invitation = services.open_invitation(token)
        except NotFound:
            return _no_invitation(request)
        context = {
            "form": form,
            "email": invitation.email,
            "role": Role(invitation.role).label,
            "team": invitation.team,
        }
        return render(request, "accounts/accept_invitation.html", context)


def _no_invitation(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/no_invitation.html", status=404)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Show and change one's own profile."""
    user = request.user
    assert isinstance(user, User)
    kept = {"name": user.name, "language": user.language, "age_recipient": user.age_recipient}
    form = ProfileForm(request.POST if request.method == "POST" else None, initial=kept)
    if request.method == "POST" and form.is_valid():
        if form.cleaned_data["age_recipient"] != user.age_recipient and not strong.is_fresh(request):
            return strong.ask_again(request)
        profiles.update_profile(user=user, **form.cleaned_data)
        messages.success(request, _("Your profile is saved."))
        return redirect("profile")
    standing = selectors.standing_of(user.pk)
    teams = selectors.team_names(team for _role, team in standing.teams_by_role)
    about = [
        (_("E-mail address"), user.email),
        (_("Roles"), [str(Role(role).label) for role in Role.values if standing.has(role)]),
        (_("Teams"), sorted(teams.values())),
    ]
    context = {
        "form": form,
        "about": about,
        "devices": devices.signed_in(request),
        "reset": resets.under_way(user.pk),
    }
    return render(request, "accounts/profile.html", context)


@login_required
@require_POST
def sign_out_device(request: HttpRequest, device_id: UUID) -> HttpResponse:
    """End one's session in another browser."""
    devices.sign_out(request, device_id)
    messages.success(request, _("That browser is signed out."))
    return redirect("profile")


@login_required
@require_POST
def sign_out_elsewhere(request: HttpRequest) -> HttpResponse:
    """End one's sessions in all other browsers."""
    devices.sign_out_elsewhere(request)
    messages.success(request, _("Every other browser is signed out."))
    return redirect("profile")


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def kept_input(request: HttpRequest) -> HttpResponse:
    """Give back what somebody had typed when they had to sign in or to confirm who they are; POST throws it away."""
    if request.method == "POST":
        keeping.forget(request)
        return redirect(settings.LOGIN_REDIRECT_URL)
    return render(request, "accounts/kept_input.html", {"kept": keeping.kept_for(request)})


@login_required
@require_POST
def stay(request: HttpRequest) -> HttpResponse:
    """Stay signed in: asked by the button of the warning, which is a person's act."""
    return HttpResponse(status=204)


@never_cache
@require_safe
def demo_sign_in(request: HttpRequest, token: str) -> HttpResponse:
    """Sign in with a one-time link, as if both factors had just been given. Routed in demo mode alone."""
    try:
        user = services.redeem_demo_link(token)
    except NotFound:
        return render(request, "accounts/no_demo_link.html", status=404)
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    record_authentication(request, user, method="mfa", type="totp", reauthenticated=True)
    return redirect(settings.LOGIN_REDIRECT_URL)
