"""Addresses of one's own account; signing in itself is allauth's, under `account/`."""

from django.urls import path

from casework.accounts import factors, views
from casework.core import gallery

urlpatterns = [
    path("invitation/<str:token>/", views.AcceptInvitation.as_view(), name="accept_invitation"),
    path("profile/", views.profile, name="profile"),
    path("profile/sign-out/", views.sign_out_elsewhere, name="sign_out_elsewhere"),
    path("profile/sign-out/<uuid:device_id>/", views.sign_out_device, name="sign_out_device"),
    path("kept/", views.kept_input, name="kept_input"),
    path("stay/", views.stay, name="stay"),
    path("second-factor/missing/", factors.factor_missing, name="factor_missing"),
    path("second-factor/<str:token>/", factors.new_factor, name="new_factor"),
    # In front of allauth's own, under the same names.
    path("account/2fa/webauthn/reauthenticate/", factors.confirm_by_passkey, name="mfa_reauthenticate_webauthn"),
    path("account/2fa/webauthn/keys/<int:pk>/remove/", factors.remove_passkey, name="mfa_remove_webauthn"),
]

# Added by config.urls in demo mode alone.
demo_urlpatterns = [
    path("demo/sign-in/<str:token>/", views.demo_sign_in, name="demo_sign_in"),
    path("demo/components/", gallery.components, name="gallery"),
]
