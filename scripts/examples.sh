#!/usr/bin/env bash
# Runs the gallery (examples/, but for the FastAPI template, which has run_async_tests.sh): every command whose output
# an example's README shows, and compares.
#
#   ./scripts/examples.sh                        all of them, two at a time
#   ./scripts/examples.sh --only event_bus       one of them
#
# On PostgreSQL too: a server on 127.0.0.1:5432 with a user `postgres`. ALLOW_SKIPS=1 does without.
# VENV and PYTHON choose the environment (see environment.sh).
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/environment.sh
. scripts/environment.sh

VENV=${VENV:-.venv-example}
prepare_examples "$VENV"
exec "$VENV/bin/python" scripts/examples.py "$@"
