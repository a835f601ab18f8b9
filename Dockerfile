# The one image that web, worker, beat, sealer and the migration run from.
FROM python:3.11-slim-bookworm AS packages
COPY requirements/base.txt /tmp/base.txt
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --no-input --require-hashes --no-deps -r /tmp/base.txt \
    && /venv/bin/pip uninstall --yes pip

FROM python:3.11-slim-bookworm
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=config.settings CASEWORK_STATIC_DIR=/app/static
COPY --from=packages /venv /venv
WORKDIR /app
COPY manage.py pyproject.toml LICENSE ./
COPY config config
COPY casework casework
COPY templates templates
# The values below let Django start for this one command; nothing of them stays in the image.
RUN CASEWORK_SECRET_KEY=only-while-building CASEWORK_ALLOWED_HOSTS=localhost CASEWORK_FILES_DIR=/tmp \
    DATABASE_URL=postgresql://nobody@/nothing REDIS_URL=redis://localhost/0 \
    python manage.py collectstatic --no-input --verbosity 0 \
    && install -d -o 10001 -g 10001 -m 0700 /data/files && install -d -o 10002 -g 10001 -m 0700 /data/checkpoints
USER 10001:10001
CMD ["gunicorn", "config.wsgi:application", "--config", "python:config.gunicorn", "--bind", "0.0.0.0:8000", \
     "--workers", "3", "--worker-class", "gthread", "--threads", "4", "--worker-tmp-dir", "/tmp", "--no-control-socket", "--log-level", "warning"]
