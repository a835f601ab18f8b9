"""The settings of every process. What differs between installations comes from the environment (docs/running.md)."""

import os
from pathlib import Path
from typing import cast

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from config import env

BASE_DIR = Path(__file__).resolve().parent.parent

DEMO = env.flag("CASEWORK_DEMO")
TESTING = env.flag("CASEWORK_TESTING")
ROLE = os.environ.get("CASEWORK_ROLE", "web")

# There is no debug mode: its pages print local variables, and a local variable here may be a person's name.
DEBUG = False
SECRET_KEY = env.text("CASEWORK_SECRET_KEY")
ALLOWED_HOSTS = os.environ.get("CASEWORK_ALLOWED_HOSTS", "127.0.0.1,localhost" if DEMO else "").split(",")
BASE_URL = os.environ.get("CASEWORK_BASE_URL", "http://127.0.0.1:8000" if DEMO else "https://" + ALLOWED_HOSTS[0])

INSTALLED_APPS = [
    "casework.core",
    "casework.crypto",
    "casework.audit",
    "casework.accounts",
    "casework.notices",
    "casework.access",
    "casework.cases",
    "casework.documents",
    "casework.procedure",
    "casework.reminders",
    "casework.transfers",
    "casework.dossiers",
    "casework.desk",
    "casework.operations",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "guardian",
    "simple_history",
    "csp",
    "django_htmx",
    "django_include_bootstrap",
    *filter(None, os.environ.get("CASEWORK_TEST_APPS", "").split(",")),
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "casework.access.middleware.ActingMiddleware",
    "casework.accounts.presence.PresenceMiddleware",
    "casework.accounts.middleware.SecondFactorMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "casework.desk.context.shell",
            ],
            "builtins": ["casework.core.templatetags.casework"],
        },
    }
]

_URLS = {
    "web": "DATABASE_URL",
    "worker": "DATABASE_WORKER_URL",
    "sealer": "DATABASE_SEALER_URL",
    "owner": "DATABASE_OWNER_URL",
}
if ROLE not in _URLS:
    raise ImproperlyConfigured(f"CASEWORK_ROLE must be one of {', '.join(_URLS)}.")
DATABASES = {"default": env.database(env.text(_URLS[ROLE]))}
if ROLE == "web":
    # A request that hangs must not hold its locks for ever. An upload is received inside its unit of work: 200 MB over
    # a slow line need minutes, and the proxy gives up a little earlier.
    DATABASES["default"]["OPTIONS"] = {
        "options": "-c idle_in_transaction_session_timeout=15min",
        **cast(dict[str, str], DATABASES["default"]["OPTIONS"]),
    }
# For `backup` and `restore` alone, which hand them to PostgreSQL's own programs: the role that reads everything, the
# owner, and the owner in the database where backups are tried out.
DATABASE_BACKUP_URL = env.text("DATABASE_BACKUP_URL", "")
DATABASE_OWNER_URL = env.text("DATABASE_OWNER_URL", "")
DATABASE_SCRATCH_URL = env.text("DATABASE_SCRATCH_URL", "")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.text("REDIS_URL")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

# --- keys and files -------------------------------------------------------------------------------------------------
CASEWORK_ROOT_KEY_FILE = os.environ.get("CASEWORK_ROOT_KEY_FILE", "")
CASEWORK_ROOT_PROVIDER = os.environ.get("CASEWORK_ROOT_PROVIDER", "file")
CASEWORK_FILES_DIR = Path(env.text("CASEWORK_FILES_DIR"))
CASEWORK_SEALER_KEY_FILE = os.environ.get("CASEWORK_SEALER_KEY_FILE", "")
CASEWORK_CHECKPOINT_DIR = os.environ.get("CASEWORK_CHECKPOINT_DIR", "")
# Who keeps checkpoints besides the auditors, who are mailed one a day in any case.
CASEWORK_CHECKPOINT_MAIL = [
    address.strip() for address in os.environ.get("CASEWORK_CHECKPOINT_MAIL", "").split(",") if address.strip()
]
CASEWORK_ORIGIN = os.environ.get("CASEWORK_ORIGIN", "casework.invalid/audit")
MAX_DOCUMENT_BYTES = 200 * 1024 * 1024

# --- people ---------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "casework.accounts.backends.SignInBackend",
    "casework.access.backends.GrantBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "account_login"

ACCOUNT_ADAPTER = "casework.accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_PREVENT_ENUMERATION = "strict"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_FORMS = {"user_token": "casework.accounts.forms.ResetLinkForm"}
MFA_ADAPTER = "casework.accounts.adapters.MfaAdapter"
# A passkey is a second factor beside the password; it does not take the password's place.
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = False
MFA_FORMS = {
    "authenticate": "casework.accounts.factors.CodeForm",
    "authenticate_webauthn": "casework.accounts.factors.PasskeyForm",
    "reauthenticate": "casework.accounts.factors.CodeAgainForm",
    "reauthenticate_webauthn": "casework.accounts.factors.PasskeyAgainForm",
    "add_webauthn": "casework.accounts.factors.AddPasskeyForm",
    "edit_webauthn": "casework.accounts.factors.NamePasskeyForm",
}
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "Casework"
# One step for a slow hand or a clock a little off, as RFC 6238, 5.2 recommends. A code works once all the same.
MFA_TOTP_TOLERANCE = 1
ALLAUTH_TRUSTED_PROXY_COUNT = int(os.environ.get("CASEWORK_PROXIES", "0" if DEMO or TESTING else "1"))

# guardian knows nothing of our levels, expiry and MACs: its monkey patches and anonymous user stay off, and its own
# backend is left out on purpose (W001): `casework.access.backends` answers `has_perm` instead.
ANONYMOUS_USER_NAME = None
GUARDIAN_MONKEY_PATCH_USER = False
GUARDIAN_MONKEY_PATCH_GROUP = False
# The e-mail address is unique whatever its case, by a constraint on Lower("email") that auth.W004 does not see.
SILENCED_SYSTEM_CHECKS = ["guardian.W001", "auth.W004"]

# The table holds digests: a row that was read or copied is no cookie.
SESSION_ENGINE = "casework.accounts.sessions"
# Sign-ins end earlier, after use and age (casework.accounts.presence), which keeps what was typed.
SESSION_COOKIE_AGE = 13 * 60 * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_USE_SESSIONS = True
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# --- transport ------------------------------------------------------------------------------------------------------
# The demo listens on loopback without TLS; everywhere else the proxy speaks TLS and says so.
_TLS = not DEMO and not TESTING
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _TLS
SECURE_SSL_REDIRECT = _TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _TLS else None
SECURE_HSTS_SECONDS = 63072000 if _TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _TLS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}

# --- files served ---------------------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = Path(os.environ.get("CASEWORK_STATIC_DIR", BASE_DIR / ".static"))
if TESTING:
    _STATIC_STORAGE = "django.contrib.staticfiles.storage.StaticFilesStorage"
elif DEMO:
    _STATIC_STORAGE = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
else:
    _STATIC_STORAGE = "whitenoise.storage.CompressedManifestStaticFilesStorage"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": _STATIC_STORAGE},
    # Ciphertext only, under random names: any storage of Django's may stand here.
    "documents": {"BACKEND": "casework.documents.storage.PrivateFolder"},
}
WHITENOISE_USE_FINDERS = TESTING
WHITENOISE_KEEP_ONLY_HASHED_FILES = not TESTING
# Source maps are for the makers of Bootstrap: compressing them would take most of the time.
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ("jpg", "jpeg", "png", "gif", "webp", "zip", "gz", "br", "woff", "woff2", "map")
# Uploads are encrypted as they arrive: neither Django's memory handler nor its plain temporary file sees them.
FILE_UPLOAD_HANDLERS = ["casework.documents.uploads.SealingUploadHandler"]
DATA_UPLOAD_MAX_NUMBER_FILES = 1
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# --- language and time ----------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", _("English"))]
LOCALE_PATHS = [BASE_DIR / "casework" / "locale"]
USE_I18N = USE_TZ = True
TIME_ZONE = os.environ.get("CASEWORK_TIME_ZONE", "Europe/Berlin")
FORM_RENDERER = "casework.core.forms.Renderer"

# --- mail -----------------------------------------------------------------------------------------------------------
CASEWORK_MAILBOX_DIR = os.environ.get("CASEWORK_MAILBOX_DIR", "")
if DEMO and CASEWORK_MAILBOX_DIR:
    EMAIL_BACKEND = "casework.notices.demo_mailbox.Backend"
else:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    globals().update(env.email(env.text("EMAIL_URL", "smtp://localhost:25")))
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = os.environ.get("CASEWORK_MAIL_FROM", "Casework <casework@localhost>")

# --- background work ------------------------------------------------------------------------------------------------
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_RESULT_BACKEND = None
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 400_000
CELERY_TASK_DEFAULT_QUEUE = "ordinary"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 600, "socket_timeout": 10, "socket_connect_timeout": 5}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"

# --- logs -----------------------------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "casework.core.logging.AllowListFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": os.environ.get("CASEWORK_LOG_LEVEL", "INFO")},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        # SQL with its parameters, and request bodies, are never logged.
        "django.db.backends": {"handlers": [], "level": "WARNING", "propagate": False},
        "celery": {"level": "WARNING"},
        "pikepdf": {"level": "WARNING"},
    },
}
