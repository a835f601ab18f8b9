#!/usr/bin/env bash
# Write the three lock files anew from pyproject.toml: names, versions and hashes, no addresses.
# Keeps the versions that stand in them; UPGRADE=1 takes newer ones. Run by `make locks`.
set -euo pipefail
cd "$(dirname "$0")/.."

uv=${UV:-$(command -v uv || true)}
if [ -z "$uv" ]; then
    echo "uv writes the lock files, and it is not here: install it (python3 -m pip install --user uv) or set UV=." >&2
    exit 1
fi

lock() {
    local file=$1
    shift
    # Every platform and every Python from Debian 12's own on: one lock for all of them.
    "$uv" pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
        --no-emit-find-links --no-header --no-annotate ${UPGRADE:+--upgrade} "$@" \
        --output-file "requirements/$file.txt" pyproject.toml
}

lock base
lock embedded --extra embedded
lock dev --extra embedded --extra test --extra check
