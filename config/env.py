"""Settings from the environment: every secret may come as `NAME` or as a file named by `NAME_FILE`."""

import os
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str | None = None) -> str:
    """Return the variable, or the content of the file that `NAME_FILE` names.

    Raises:
        ImproperlyConfigured: neither is set and there is no default, or the file cannot be read.
    """
    if value := os.environ.get(name):
        return value
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE names a file that cannot be read: {error.strerror}.") from None
    if default is None:
        raise ImproperlyConfigured(f"Set {name}, or {name}_FILE to a file that holds it (see docs/running.md).")
    return default


def flag(name: str) -> bool:
    """Return whether the variable is `1`."""
    return os.environ.get(name, "") == "1"


def database(url: str) -> dict[str, object]:
    """Return Django's database settings for `postgresql://role:password@host:port/name`, or `…@/name?host=/socket/dir`.

    Raises:
        ImproperlyConfigured: another kind of URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ImproperlyConfigured("The database must be PostgreSQL: DATABASE_URL=postgresql://…")
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", parts.hostname or ""),
        "PORT": query.pop("port", str(parts.port or "")),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": query,
        "TEST": {"MIGRATE": False},
    }


def email(url: str) -> dict[str, object]:
    """Return Django's mail settings for `smtp://user:password@host:port` (`smtp+tls://` for STARTTLS)."""
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtp+tls"}:
        raise ImproperlyConfigured("EMAIL_URL must be smtp://… or smtp+tls://…")
    return {
        "EMAIL_HOST": parts.hostname or "localhost",
        "EMAIL_PORT": parts.port or 25,
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
    }
