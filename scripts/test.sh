#!/usr/bin/env bash
# Sets up what the tests need, then runs them: this repository's suite, through its own runner, by its own plan.
#
#   ./scripts/test.sh                     everything in runner.yaml
#   ./scripts/test.sh unit processes      two phases of it
#   ./scripts/test.sh --files tests/reports -v
#
# Arguments are those of `async-test-run run`. VENV and PYTHON choose the environment (see environment.sh), PLAN another
# plan.
set -euo pipefail
here=$PWD
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/environment.sh
. scripts/environment.sh

VENV=${VENV:-.venv}
prepare_environment "$VENV" --editable '.[dev]'

VIRTUAL_ENV=$(cd -- "$VENV" && pwd)
export VIRTUAL_ENV
export PATH="$VIRTUAL_ENV/bin:$PATH"
plan=$PWD/${PLAN:-runner.yaml}
cd -- "$here" # paths in the arguments are meant from where the caller stands
exec "$VIRTUAL_ENV/bin/python" -m async_test_runner run --config "$plan" "$@"
