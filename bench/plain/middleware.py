"""What the baseline does around a view: one transaction, no `app.user_id`, no trail."""

from collections.abc import Callable

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from casework.core import work


class PlainMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # The templates' context asks who acts; the unit exists, but sets nothing in the database and runs no hook.
        token = work._current.set(work.Work(work.Actor(request.user.pk)))
        try:
            with transaction.atomic():
                return self.get_response(request)
        finally:
            work._current.reset(token)
