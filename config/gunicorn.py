"""How gunicorn speaks: its few lines go through our allow-list as well; an access log is the proxy's affair."""

logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "casework.core.logging.AllowListFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {"gunicorn.error": {"handlers": [], "level": "WARNING", "propagate": True}},
}
