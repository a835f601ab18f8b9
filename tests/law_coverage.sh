#!/usr/bin/env bash
# Every line and branch of casework/law is walked by tests/law: two halves at once, then put together. Called by .ci/check.
set -uo pipefail
cd "$(dirname "$0")/.."
python=${VENV:-.venv}/bin/python
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
first_half=(test_every_rule.py test_judgments.py test_changes.py test_compare.py test_cli.py test_wording.py)

half() {
    local name=$1
    shift
    "$python" -m coverage run --branch --source=casework/law --data-file="$work/coverage.$name" -m pytest -q \
        -p no:cacheprovider -p no:django --noconftest "$@" >"$work/half.$name" 2>&1 ||
        { tail -n 30 "$work/half.$name"; return 1; }
}

half 1 "${first_half[@]/#/tests/law/}" &
first=$!
half 2 tests/law "${first_half[@]/#/--ignore=tests/law/}"
second=$?
wait $first && [ $second -eq 0 ] || exit 1
"$python" -m coverage combine -q --data-file="$work/coverage" "$work"/coverage.[12] &&
    "$python" -m coverage report --data-file="$work/coverage" --skip-covered --show-missing --fail-under=100
