"""Our addresses, and the baseline's beside them."""

from django.urls import path

from bench.plain import views
from config.urls import urlpatterns as ours

urlpatterns = [
    path("plain/cases/", views.case_list),
    path("plain/search/", views.case_search),
    path("plain/cases/<uuid:case_id>/", views.case_detail),
    *ours,
]
