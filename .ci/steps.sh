# Sourced by run and release: steps with their times, lanes of steps that run beside each other, and what both share.
# OUT is the directory for all that is left to look at.

# shellcheck source=../scripts/environment.sh
. scripts/environment.sh

OUT=$PWD/$OUT
TIMEFORMAT='%R %U %S'
lanes=() # of those that have begun: "pid name"

rm -rf -- "$OUT"
mkdir -p "$OUT"
trap 'trap - INT TERM; kill 0' INT TERM # what runs in lanes too
export PIP_PROGRESS_BAR=off

# step NAME COMMAND...: one line before and one after. A failure is remembered, and the next step comes all the same.
# Times are of the command and of all its children that were waited for. A shell of its own takes them: this one has the
# children of a lane that ends meanwhile, too.
step() {
    local name=$1 status=0 times=$OUT/times.$BASHPID wall cpu
    shift
    printf '\n=== %s\n' "$name"
    (time "$@" </dev/null 2>&3) 3>&2 2>"$times" || status=$?
    read -r wall cpu < <(tail -n 1 "$times" | awk '{ printf "%.1f %.1f\n", $1, $2 + $3 }')
    printf '%d\t%s\t%s\t%s\n' "$status" "$wall" "$cpu" "$name" >>"$OUT/steps.tsv"
    printf '=== %s: exit %d after %ss, %ss of processor time\n' "$name" "$status" "$wall" "$cpu"
}

# lane NAME FUNCTION: its steps run beside what comes next; what they print is shown by `join`
lane() {
    "$2" >"$OUT/lane-$1.log" 2>&1 &
    lanes+=("$! $1")
}

join() {
    local lane
    for lane in "${lanes[@]}"; do
        wait "${lane%% *}" || printf '1\t0\t0\t%s\n' "the lane ${lane#* } broke off" >>"$OUT/steps.tsv"
        cat "$OUT/lane-${lane#* }.log"
    done
    lanes=()
}

# The table of all steps and the totals; fails if a step has failed.
summary() {
    local status=0 cpu
    times >"$OUT/times" # not in a pipe: a shell of its own has had no children yet
    cpu=$(awk '{ for (i = 1; i <= 2; i++) { split($i, part, "[ms]"); sum += 60 * part[1] + part[2] } }
        END { printf "%.1f", sum }' "$OUT/times")
    printf '\n  wall s  processor s  step\n'
    awk -F '\t' '{ printf "%8.1f  %11.1f  %s%s\n", $2, $3, $4, $1 ? ": FAILED" : "" }' "$OUT/steps.tsv"
    printf '%8d  %11.1f  together\n\n' "$SECONDS" "$cpu"
    awk -F '\t' -v wall="$SECONDS" -v cpu="$cpu" '
        $1 { failed++; print "failed: " $4 }
        END {
            printf "ci: %d steps passed", NR - failed
            if (failed) printf ", %d failed", failed
            printf " in %ds, %.0fs of processor time\n", wall, cpu
            exit failed > 0
        }' "$OUT/steps.tsv" || status=1
    if [ -d "$OUT/tests" ]; then "$main" scripts/check_run.py --totals "$(newest_run "$OUT/tests")" || status=1; fi
    return "$status"
}

newest_run() { find "$1/runs" -mindepth 1 -maxdepth 1 -name '2*' | sort | tail -n 1; }

# The tests of the HTML report look at it in a real browser.
browser() {
    if command -v chromium || [ -n "${ALLOW_SKIPS:-}" ]; then return; fi
    apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium
}

# run_tests NAME VENV ARGUMENTS...: the suite through the runner; skips are looked at whatever came of the tests
run_tests() {
    local out=$OUT/$1 venv=$2 status=0 skips=0
    shift 2
    VENV=$venv ./scripts/test.sh --run-dir "$out" --no-color "$@" || status=$?
    "$main" scripts/check_run.py "$(newest_run "$out")" || skips=$?
    [ "$status" -eq 0 ] && [ "$skips" -eq 0 ]
}

# Who judges here is what is tested, so somebody else judges too. Phases whose tests start runners run by the same rules:
# what would hide a failure there would hide one here.
compare_with_plain_pytest() {
    local markers=$1
    shift
    "$main" scripts/compare.py --plan "$PLAN" --run "$(newest_run "$OUT/tests")" --python "$main" --keep "$OUT/compare" \
        --phases "$@" --plain-arg=-m --plain-arg="$markers"
}

# The interpreters of other minor versions: "3.12 /path/to/python", one per line and version, oldest first
other_pythons() {
    local main_version python version
    main_version=$("$main" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    for python in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/python python3.11 python3.12 python3.13 python3.14; do
        is_usable "$python" || continue
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        [ "$version" = "$main_version" ] || printf '%s %s\n' "$version" "$(command -v -- "$python")"
    done | sort -u -V -k 1,1
}
