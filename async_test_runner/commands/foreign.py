"""Flags of pytest and of other runners that people type here, and what to write instead."""

from __future__ import annotations

from collections.abc import Mapping

_FAIL_FAST = "write -x, or --max-failures N"
_WORKERS = "write -n N as an upper limit, or `workers` in a phase of the plan"
_LAST_FAILED = "write --failed, which runs the tests that were red in the last run (async-test-run help rerun)"
_DEBUG = "debug one test with python -m pytest --pdb ID (async-test-run help debug)"
_OUTPUT = "a failure shows what its test printed; for the rest see: async-test-run help debug"
_TO_PYTEST = "write it after --, for pytest: async-test-run -- {flag}"
_RETRIES = "write `retries: N` in a phase of the plan (async-test-run help retries)"
_ISOLATION = "write `isolation: test` in a phase of the plan (async-test-run help isolation)"
_SLOWEST = "write --durations N, which lists the N slowest tests at the end"
_SHARDS = "there are no shards; give each job phases of its own: async-test-run run PHASE (async-test-run help ci)"
_WATCH = "nothing is watched; run the tests of a file again with: async-test-run FILE"
_LIST = "write async-test-run plan -v, which lists the tests of each phase"
_SELECT = "write -k EXPR for names, -m EXPR for marks, or a path or id: async-test-run PATH"
_JUNIT = "write --junit FILE"
_TEST_TIMEOUT = "write `test_timeout` in the plan; --timeout T limits the whole run"
_RESUME = "write --resume to go on with a run that was interrupted"
_CONFIG = "put runner.yaml beside the configuration of pytest, and name it with --config FILE"
_REPORT = "the end of a run names every test that is not passed; async-test-run report -v has all of it"

_SAID: tuple[tuple[str, str], ...] = (
    (_FAIL_FAST, "--fail-fast --failfast --bail --stop-on-failure"),
    ("write --max-failures N", "--max-fail --maxfailures"),
    (_WORKERS, "--numprocesses --jobs --parallel --processes --test-threads --threads --maxprocesses"),
    (_LAST_FAILED, "--ff --failed-first --only-failures"),
    (_DEBUG, "--pdb --trace --debug --inspect --pdbcls --ipdb"),
    (_OUTPUT, "-s --capture --no-capture --nocapture --show-output --print"),
    (
        _TO_PYTEST,
        "--showlocals -l --full-trace --log-level --log-cli-level --cov --cov-report --ignore --deselect",
    ),
    (_TO_PYTEST, "-p -o -W --override-ini --strict-markers --import-mode --cache-clear --asyncio-mode --no-header"),
    (_RETRIES, "--retries --reruns --retry --flaky-retries --rerun-failures --reruns-delay"),
    (_ISOLATION, "--isolation --isolate --forked --boxed --dist --no-isolate"),
    (_SLOWEST, "--durations-min --slowest"),
    (_SHARDS, "--shard --shards --partition --splits --group --split"),
    (_WATCH, "--watch -w --watch-all --looponfail -f --ui"),
    (_LIST, "--collect-only --co --list --list-tests --dry-run --collectonly"),
    (_SELECT, "--filter --grep -g -E --select --match --tag --tags --pattern"),
    (_JUNIT, "--junitxml --junit-xml --xml --reporter --output-junit"),
    (_TEST_TIMEOUT, "--test-timeout --session-timeout --slow-timeout"),
    (_RESUME, "--sw --stepwise --continue --stepwise-skip"),
    (_CONFIG, "--rootdir --confcutdir --config-file --plan --root"),
    (_REPORT, "--summary --report"),
    ("write --quiet or -q", "--silent"),
    ("write --no-color", "--no-colors --no-colour --nocolor"),
)
FOREIGN: Mapping[str, str] = {flag: text.replace("{flag}", flag) for text, flags in _SAID for flag in flags.split()}


def instead(flag: str) -> str:
    """What to write in place of a flag that is not ours; empty for one that nobody is known to have."""
    return FOREIGN.get(flag, "")
