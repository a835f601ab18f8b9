#!/usr/bin/env bash
# The browser journeys need Chromium. Missing: root installs Debian's, anybody else is told how; nothing is skipped.
set -euo pipefail

for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null; then
        exit 0
    fi
done

how="apt-get install chromium fonts-dejavu-core"
if [ "$(id -u)" -ne 0 ]; then
    echo "The browser tests need Chromium, which is not on this machine. As root: $how" >&2
    exit 1
fi
if ! command -v apt-get >/dev/null; then
    echo "The browser tests need Chromium, and this is no Debian to install it on: install it your way." >&2
    exit 1
fi
echo "Installing Chromium from Debian for the browser tests …"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
command -v chromium >/dev/null || { echo "Chromium did not install: try it by hand, $how" >&2; exit 1; }
