"""All URLs. Paths carry random ids only: no name, no reference, no search word."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

handler500 = "casework.access.damage.server_fault"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("casework.accounts.urls")),
    path("account/", include("allauth.urls")),
    path("", include("casework.desk.urls")),
]

if settings.DEMO:
    from casework.accounts import urls as accounts_urls
    from casework.desk import urls as desk_urls

    urlpatterns += [*accounts_urls.demo_urlpatterns, *desk_urls.demo_urlpatterns]
