# Sourced by the other scripts: finds a Python, and makes virtual environments that are only made again when needed.
#
#   PYTHON  the interpreter to make an environment with; by default the first one that is new enough
#   VENV    where the environment goes; each script has its own default inside the checkout

# A checkout that is installed editable is compiled by nobody but those who import it. Tests start thousands of
# processes that do: where byte code may not be kept, each of them compiles all of it.
unset PYTHONDONTWRITEBYTECODE

NEWS_EVERY=3 # seconds

say() { printf '%s\n' "$*" >&2; }

die() {
    say "$0: $1"
    shift
    local line
    for line in "$@"; do say "  $line"; done
    exit 4
}

# with_news COMMAND...: every few seconds a line says for how long the command has been at work, and what pip is at. If
# it fails, the end of its output is shown.
with_news() {
    local log teller status=0
    log=$(mktemp)
    tell_of "$log" $$ &
    teller=$!
    ("$@") >"$log" 2>&1 || status=$?
    kill "$teller" 2>/dev/null || true
    wait "$teller" 2>/dev/null || true
    [ "$status" -eq 0 ] || tail -n 20 "$log" >&2
    rm -f -- "$log"
    return "$status"
}

# tell_of LOG PID: for as long as that process is there
tell_of() {
    local began=$SECONDS line
    trap 'kill "$!" 2>/dev/null; exit' TERM # nothing is left that sleeps on
    while sleep "$NEWS_EVERY" >/dev/null 2>&1 & wait "$!" && kill -0 "$2" 2>/dev/null; do
        line=$(grep -E '^ *(Collecting|Downloading|Building|Installing) ' "$1" | tail -n 1) || true
        line=${line#"${line%%[! ]*}"}
        say "  $((SECONDS - began))s ${line:0:100}"
    done
}

is_usable() { "$1" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

# Python >= 3.11, by every name that it usually has; shims of pyenv may exist without a version behind them.
find_python() {
    local candidate
    if [ -n "${PYTHON:-}" ]; then
        is_usable "$PYTHON" || die "PYTHON=$PYTHON is not a Python 3.11 or newer with its venv module"
        command -v -- "$PYTHON"
        return
    fi
    for candidate in python3 python python3.11 python3.12 python3.13 python3.14 \
        "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[1-9]*/bin/python; do
        if is_usable "$candidate"; then
            command -v -- "$candidate"
            return
        fi
    done
    die "no Python 3.11 or newer found" "install one, or name it: PYTHON=/path/to/python3.12 $0"
}

# run_pip PYTHON_OF_THE_ENVIRONMENT ARGUMENTS...: the environment's own pip, or where it has none the base Python's
run_pip() {
    local python=$1 base
    shift
    if "$python" -m pip --version >/dev/null 2>&1; then
        "$python" -m pip --disable-pip-version-check "$@"
        return
    fi
    base=$("$python" -c 'import sys; print(sys._base_executable)')
    "$base" -m pip --version >/dev/null 2>&1 ||
        die "neither the new environment nor $base has pip" "try: $base -m ensurepip --upgrade, or install python3-pip"
    "$base" -m pip --disable-pip-version-check --python "$python" "$@"
}

# Debian's Python without python3-venv lacks ensurepip: an environment without pip is made there, and pip is told of it.
make_environment() {
    local venv=$1 python
    python=$(find_python)
    say "making $venv with $("$python" -V 2>&1) ($python)"
    if "$python" -c 'import ensurepip' >/dev/null 2>&1; then
        with_news "$python" -m venv "$venv" || die "$python could not make a virtual environment in $venv"
    else
        with_news "$python" -m venv --without-pip "$venv" || die "$python could not make a virtual environment in $venv"
    fi
}

# What an environment was made from: another checkout, interpreter, list of requirements or pyproject.toml needs a new one.
fingerprint() {
    local python=$1
    shift
    printf '%s\n' "$PWD" "$("$python" -VV 2>&1)" "$*"
    local argument
    cksum pyproject.toml
    for argument in "$@"; do
        if [ -f "$argument" ]; then cksum "$argument"; fi
    done
}

# prepare_environment VENV PIP_ARGUMENTS...: an environment in which `pip install PIP_ARGUMENTS` has been done.
# An existing one is kept while it works and was made by us; one of somebody else is only added to.
prepare_environment() {
    local venv=$1
    shift
    local stamp=$venv/.made-for python=$venv/bin/python
    if [ -f "$stamp" ] && is_usable "$python" && [ "$(cat "$stamp")" = "$(fingerprint "$python" "$@")" ]; then
        return
    fi
    if [ -e "$venv" ] && ! is_usable "$python"; then
        [ -f "$stamp" ] || [ -f "$venv/.making" ] ||
            die "$venv is no virtual environment with Python 3.11 or newer" "remove it, or choose another place: VENV=… $0"
        rm -rf -- "$venv"
    fi
    if [ ! -e "$venv" ]; then
        make_environment "$venv"
    fi
    touch "$venv/.making"
    say "installing packages into $venv (the first time this takes a minute or two)"
    with_news run_pip "$python" install "$@" ||
        die "pip could not install into $venv; its message is above" "check the network, then run $0 again"
    fingerprint "$python" "$@" >"$stamp"
    rm -f -- "$venv/.making"
}

# One environment for all examples: what one has installed, the others need not install again.
prepare_examples() {
    local arguments=(--editable .) list
    for list in examples/*/requirements.txt; do arguments+=(--requirement "$list"); done
    prepare_environment "$1" "${arguments[@]}"
}
