"""The addresses as the demo has them."""

from casework.accounts import urls as accounts_urls
from config.urls import urlpatterns as ordinary

urlpatterns = [*ordinary, *accounts_urls.demo_urlpatterns]
