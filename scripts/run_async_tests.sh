#!/usr/bin/env bash
# Sets up what the FastAPI example needs, then runs its suite in phases, on embedded SQLite.
#
#   ./scripts/run_async_tests.sh          the plan examples/fastapi_template/runner.yaml
#   ./scripts/run_async_tests.sh sync -v  one phase of it, a line per test
#
# Arguments are those of `async-test-run run`. VENV and PYTHON choose the environment (see environment.sh).
set -euo pipefail
here=$PWD
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/environment.sh
. scripts/environment.sh

VENV=${VENV:-.venv-example}
prepare_examples "$VENV"

VIRTUAL_ENV=$(cd -- "$VENV" && pwd)
export VIRTUAL_ENV
export PATH="$VIRTUAL_ENV/bin:$PATH"
plan=$PWD/examples/fastapi_template/runner.yaml
cd -- "$here" # paths in the arguments are meant from where the caller stands
exec "$VIRTUAL_ENV/bin/python" -m async_test_runner run --config "$plan" "$@"
