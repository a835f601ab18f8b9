"""Addresses of one's own account; signing in itself is allauth's, under `account/`."""

from django.urls import path

from casework.accounts import views
from casework.core import gallery

urlpatterns = [
    path("invitation/<str:token>/", views.AcceptInvitation.as_view(), name="accept_invitation"),
    path("profile/", views.profile, name="profile"),
]

# Added by config.urls in demo mode alone.
demo_urlpatterns = [
    path("demo/sign-in/<str:token>/", views.demo_sign_in, name="demo_sign_in"),
    path("demo/components/", gallery.components, name="gallery"),
]
