# The one image that web, worker, beat, sealer and the migration run from.
FROM python:3.11-slim-bookworm AS packages
COPY requirements/base.txt /tmp/base.txt
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --no-input --require-hashes --no-deps -r /tmp/base.txt \
    && /venv/bin/pip uninstall --yes pip

# PostgreSQL's own programs for backup and restore, of the server's version: Debian's are older.
FROM postgres:18-bookworm AS clients
RUN install -d /clients/bin /clients/lib \
    && cp /usr/lib/postgresql/18/bin/pg_dump /usr/lib/postgresql/18/bin/pg_restore /clients/bin/ \
    && cp -P /usr/lib/*-linux-gnu/libpq.so.5* /clients/lib/

FROM python:3.11-slim-bookworm
# What those programs are linked with; their own libpq, which is of their version, comes with them.
RUN apt-get update && apt-get install --yes --no-install-recommends libpq5 liblz4-1 libzstd1 zlib1g \
    && rm -rf /var/lib/apt/lists/*
COPY --from=clients /clients/bin /usr/local/bin
COPY --from=clients /clients/lib /usr/local/lib
RUN ldconfig && pg_dump --version && pg_restore --version
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
    && install -d -o 10001 -g 10001 -m 0700 /data/files /data/backups && install -d -o 10002 -g 10001 -m 0700 /data/checkpoints
USER 10001:10001
CMD ["gunicorn", "config.wsgi:application", "--config", "python:config.gunicorn", "--bind", "0.0.0.0:8000", \
     "--workers", "3", "--worker-class", "gthread", "--threads", "4", "--worker-tmp-dir", "/tmp", "--no-control-socket", "--log-level", "warning"]
