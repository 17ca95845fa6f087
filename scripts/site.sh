#!/usr/bin/env bash
# Builds the documentation as a site that can be read from the disk, without a server: build/site/index.html
#
#   ./scripts/site.sh
#
# A warning of the generator, a link that leads nowhere, or a page that would ask another host for anything fails the
# build. VENV and PYTHON choose the environment (see environment.sh).
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/environment.sh
. scripts/environment.sh

VENV=${VENV:-.venv-site}
prepare_environment "$VENV" --requirement docs/requirements.txt
exec "$VENV/bin/python" scripts/site.py
