#!/usr/bin/env bash
# The tests need programs that are in no Python package: a browser for the journeys, and the reference tools that open what
# we encrypt. Missing: root installs Debian's, anybody else is told how; nothing is skipped. `ensure_programs.sh chromium`
# asks for the browser alone.
set -euo pipefail

there() {
    local name
    for name in "$@"; do
        if command -v "$name" >/dev/null; then
            return 0
        fi
    done
    return 1
}

packages=()
there chromium chromium-browser google-chrome || packages+=(chromium fonts-dejavu-core)
if [ "${1:-}" != chromium ]; then
    there age || packages+=(age)
    there ssh-keygen || packages+=(openssh-client)
fi
if [ ${#packages[@]} -eq 0 ]; then
    exit 0
fi

how="apt-get install ${packages[*]}"
if [ "$(id -u)" -ne 0 ]; then
    echo "The tests need programs that are not on this machine. As root: $how" >&2
    exit 1
fi
if ! command -v apt-get >/dev/null; then
    echo "The tests need programs that are not on this machine, and this is no Debian: install ${packages[*]} your way." >&2
    exit 1
fi
echo "Installing from Debian for the tests: ${packages[*]} …"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
