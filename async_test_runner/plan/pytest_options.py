"""What becomes of each option and ini key of pytest, and of the plugins that come with the runner or are most used.

One table for all who ask: what a plan refuses in `pytest_args`, what a command line refuses after ``--``, what a run
says of pytest's configuration, and the reference. An option that is not here belongs to a plugin that nobody here
knows: it is passed on. A test compares the table with what pytest and the plugins register.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import NamedTuple

INI = "ini:"  # how `Option.watched` names a key of the ini file


class How(Enum):
    """What becomes of an option in pytest's configuration."""

    OBEYED = "obeyed by each process"
    MAPPED = "mapped to the run"
    LOGGED = "shapes the log of each process"
    SAID = "said in a warning"
    REFUSED = "refused"


class Option(NamedTuple):
    """``names`` are an option with its aliases, or an ini key. ``says`` goes on where "mapped to the run: " ends.

    ``plan`` and ``dashes`` are the remedies with which it is refused in `pytest_args` and after ``--``; empty where it
    is not. ``watched`` is how pytest keeps it, where the configuration is looked at: ``usepdb``, ``capture=no`` for one
    value of it, ``ini:rsyncdirs``. ``several`` warns only of a run that takes more than one session.
    """

    names: tuple[str, ...]
    how: How
    says: str = ""
    plan: str = ""
    dashes: str = ""
    watched: str = ""
    several: bool = False


def _obeyed(names: str) -> Iterator[Option]:
    """Options, each of them alone; aliases are joined by ``|``."""
    return (Option(tuple(name.split("|")), How.OBEYED) for name in names.split())


def _logged(names: str) -> Iterator[Option]:
    return (Option(tuple(name.split("|")), How.LOGGED) for name in names.split())


def _mapped(names: str, says: str, *, plan: str = "", dashes: str = "") -> Option:
    return Option(tuple(names.split("|")), How.MAPPED, says, plan, dashes)


def _said(names: str, watched: str, says: str, *, plan: str = "", dashes: str = "", several: bool = False) -> Option:
    return Option(tuple(names.split("|")), How.SAID, says, plan, dashes, watched, several)


def _refused(names: str, watched: str, *, plan: str = "remove it", dashes: str = "") -> Option:
    return Option(tuple(names.split("|")), How.REFUSED, _NO_TEST, plan, dashes or _ASK_PYTEST, watched)


_NO_TEST = "no test would run"
_ASK_PYTEST = "ask pytest itself: python -m pytest"
_WHOLE_RUN = "remove it: it holds for the whole run, so it belongs into pytest's configuration, or after `--`"
_SHOWS = "use `async-test-run plan -v`, which shows the tests of each phase"
_COLLECT = "remove it: collecting without running is a command of its own, not a phase"
_NO_TERMINAL = "has no effect: tests run without a terminal"
_NO_TERMINAL_IN_A_PLAN = "remove it: a phase has no terminal to ask at"
_DEBUGGER = "tests run without a terminal: debug one with python -m pytest --pdb ID (async-test-run help debug)"
_OUTPUT = "failures show what they printed; for the rest see: async-test-run help debug"
_WORKERS = "use the key `workers`"
_FAILURES = "use the key `max_failures`"
_CONFIG = "remove it: put the plan next to that configuration, where pytest finds it for every phase"
_EARLIER = "remove it: earlier results are the runner's to choose from"
_STEPWISE = "has no effect: use --max-failures 1, then --failed"
_STEPWISE_NOW = "use --max-failures 1, then --failed"
_RETRIES = "use the key `retries`"
_LEFT_OUT = "the collection obeys; what it leaves out is counted in the report"
_ANEW = "is written anew by each session: give phases their own paths"
_MACHINE = "has no effect: workers are processes of this machine"
_ONE_LOG = "one file for all processes of the run, which append to it"
_JUNIT = "use `reports: {junit: …}`"

PYTEST: tuple[Option, ...] = (
    *_obeyed("--strict-config --strict-markers --strict --runxfail --lfnf|--last-failed-no-failures"),
    *_obeyed("-W|--pythonwarnings --pyargs --confcutdir --noconftest --collect-in-virtualenv --import-mode"),
    *_obeyed("--doctest-modules --doctest-report --doctest-glob --doctest-ignore-import-errors"),
    *_obeyed("--doctest-continue-on-failure -p --disable-plugin-autoload -o|--override-ini --assert"),
    *_obeyed("-v|--verbose -q|--quiet --verbosity -l|--showlocals --no-showlocals --tb --fulltrace|--full-trace"),
    *_obeyed("--xfail-tb --log-level --log-format --log-date-format --log-auto-indent --log-disable"),
    *_obeyed("--lsof --runpytest"),
    *_logged("--no-header --no-summary --no-fold-skipped --force-short-summary --code-highlight --color"),
    *_logged("--disable-warnings|--disable-pytest-warnings --traceconfig|--trace-config"),
    *_logged("--log-cli-level --log-cli-format --log-cli-date-format"),
    _mapped("-m", _LEFT_OUT, plan="use the key `markers`"),
    _mapped("-k", _LEFT_OUT, plan="use the key `keyword`"),
    _mapped("--deselect", _LEFT_OUT),
    _mapped("--ignore", _LEFT_OUT),
    _mapped("--ignore-glob", _LEFT_OUT),
    _mapped("--lf|--last-failed", _LEFT_OUT, plan=_EARLIER),
    _mapped("--ff|--failed-first", "the collection obeys: phases run their tests in its order", plan=_EARLIER),
    _mapped("--nf|--new-first", "the collection obeys: phases run their tests in its order", plan=_EARLIER),
    _mapped("--keepduplicates|--keep-duplicates", "a test that is collected twice runs twice, as `ID#2`"),
    _mapped("--cache-clear", "the memory is cleared once, by the collection", plan=_WHOLE_RUN),
    _mapped("-x|--exitfirst", "a phase stops after one failure, where the plan has no `max_failures`", plan=_FAILURES),
    _mapped("--maxfail", "a phase stops after so many, where the plan has no `max_failures`", plan=_FAILURES),
    _mapped("--continue-on-collection-errors", "the key `collect_errors` decides, and the report says so"),
    _mapped("--max-warnings", "the warnings of all processes are counted together", plan=_WHOLE_RUN),
    _mapped("--durations", "the end of a run lists so many of the slowest tests", plan=_WHOLE_RUN),
    _mapped("--durations-min", "the end of a run lists no test below it", plan=_WHOLE_RUN),
    _mapped("-r|--report-chars", "the end of a run lists what `s`, `x`, `X` and `p` ask for", plan=_WHOLE_RUN),
    _mapped("--junitxml|--junit-xml", "the merged XML of the run is written there", plan=_JUNIT),
    _mapped("--junitprefix|--junit-prefix", "each classname of the merged XML begins with it", plan=_WHOLE_RUN),
    _mapped("--rootdir", "all processes have that of the collection", plan=_CONFIG),
    _mapped("-c|--config-file", "all processes have that of the collection", plan=_CONFIG),
    _mapped("--basetemp", "each process has a directory of its own below it: PHASE-NUMBER", plan=_WHOLE_RUN),
    _mapped("--log-file", _ONE_LOG),
    _mapped("--log-file-mode", "the first process of the run obeys, the others append"),
    *_obeyed("--log-file-level --log-file-format --log-file-date-format"),
    _said(
        "-s|--capture=no",
        "capture=no",
        "sends what tests print to output.log of their process (processes/ in the run directory), and to no report",
        dashes=_OUTPUT,
    ),
    _mapped("--capture", "`no` is like `-s`; what other ways show at once is in output.log", dashes=_OUTPUT),
    _said("--show-capture", "showcapture=no", "has no effect: failures show all that they printed", plan="remove it"),
    _said("--pdb", "usepdb", _NO_TERMINAL, plan=_NO_TERMINAL_IN_A_PLAN, dashes=_DEBUGGER),
    _said("--trace", "trace", _NO_TERMINAL, plan=_NO_TERMINAL_IN_A_PLAN, dashes=_DEBUGGER),
    _said("--pdbcls", "usepdb_cls", _NO_TERMINAL, plan=_NO_TERMINAL_IN_A_PLAN, dashes=_DEBUGGER),
    _said("--stepwise|--sw", "stepwise", _STEPWISE, plan=_EARLIER, dashes=_STEPWISE_NOW),
    _said("--stepwise-skip|--sw-skip", "stepwise_skip", _STEPWISE, plan=_EARLIER, dashes=_STEPWISE_NOW),
    _said("--stepwise-reset|--sw-reset", "stepwise_reset", _STEPWISE, plan=_EARLIER, dashes=_STEPWISE_NOW),
    _said(
        "--pastebin",
        "pastebin",
        "is done by each process for what it printed",
        plan="remove it",
        dashes="the report of the run is in its directory",
    ),
    _said(
        "--debug",
        "debug",
        "makes each process write the file anew",
        plan="remove it",
        dashes=_ASK_PYTEST,
    ),
    Option(("--setup-show", "--setupshow"), How.LOGGED, dashes=_ASK_PYTEST),
    _refused("--collect-only|--collectonly|--co", "collectonly", plan=_COLLECT, dashes=_SHOWS),
    _refused("--setup-only|--setuponly", "setuponly"),
    _refused("--setup-plan|--setupplan", "setupplan"),
    _refused("--fixtures|--funcargs", "showfixtures"),
    _refused("--fixtures-per-test", "show_fixtures_per_test"),
    _refused("--markers", "markers"),
    _refused("--cache-show", "cacheshow"),
    _refused("--help|-h", "help"),
    _refused("--version|-V", "version"),
)

PYTEST_INI: tuple[Option, ...] = (
    *_obeyed("addopts cache_dir collect_imported_tests consider_namespace_packages doctest_encoding"),
    *_obeyed("disable_test_id_escaping_and_forfeit_all_rights_to_community_support doctest_optionflags"),
    *_obeyed("empty_parameter_set_mark enable_assertion_pass_hook assertion_text_diff_style filterwarnings"),
    *_obeyed("log_auto_indent log_date_format log_format log_level markers minversion norecursedirs"),
    *_obeyed("log_file_level log_file_format log_file_date_format parametrize_long_str_id_strategy"),
    *_obeyed("python_classes python_files python_functions pythonpath required_plugins strict strict_config"),
    *_obeyed("strict_markers strict_parametrization_ids strict_xfail xfail_strict testpaths usefixtures"),
    *_obeyed("truncation_limit_chars truncation_limit_lines verbosity_subtests verbosity_assertions"),
    *_obeyed("tmp_path_retention_count tmp_path_retention_policy faulthandler_exit_on_timeout"),
    *_obeyed("pytester_example_dir"),
    *_logged("faulthandler_timeout log_cli log_cli_date_format log_cli_format log_cli_level console_output_style"),
    *_logged("verbosity_test_cases"),
    _mapped("junit_suite_name", "each suite of the merged XML that is a phase has it", plan=_WHOLE_RUN),
    _mapped("junit_family", "the merged XML suits every family: file and line are always in it", plan=_WHOLE_RUN),
    _mapped("junit_logging", "the merged XML has what it asks for", plan=_WHOLE_RUN),
    _mapped("junit_log_passing_tests", "the merged XML obeys", plan=_WHOLE_RUN),
    _mapped("junit_duration_report", "the merged XML obeys", plan=_WHOLE_RUN),
    _mapped("log_file", _ONE_LOG),
    _mapped("log_file_mode", "the first process of the run obeys, the others append"),
    _mapped("max_warnings", "the warnings of all processes are counted together", plan=_WHOLE_RUN),
)

XDIST: tuple[Option, ...] = (
    *_obeyed("--maxschedchunk --loadscope-reorder --no-loadscope-reorder"),
    _mapped(
        "-n|--numprocesses", "undivided phases have so many workers, where the plan has no `workers`", plan=_WORKERS
    ),
    _mapped("--maxprocesses", "`-n` means no more than these", plan=_WORKERS),
    _mapped("--max-worker-restart", "a worker that dies is blamed on its test, and the rest runs", plan="remove it"),
    _mapped("--dist", "fresh processes of undivided phases obey", plan="use the keys `workers` and `isolation`"),
    _said("--dist each", "dist=each", "has no effect: a test runs once, in one worker", plan="remove it"),
    _said("--tx", "tx", _MACHINE, plan=_WORKERS),
    _said("--px", "px", _MACHINE, plan=_WORKERS),
    _said("-d", "distload", "has no effect: use -n", plan=_WORKERS),
    _said("--rsyncdir", "rsyncdir", _MACHINE, plan="remove it"),
    _said("--rsyncignore", "rsyncignore", _MACHINE, plan="remove it"),
    _said("--testrunuid", "testrunuid", "has no effect: `testrun_uid` is the id of the run", plan="remove it"),
    _said("--looponfail|-f", "looponfail", _NO_TERMINAL, plan=_NO_TERMINAL_IN_A_PLAN, dashes=_DEBUGGER),
)
XDIST_INI: tuple[Option, ...] = (
    _said("rsyncdirs", INI + "rsyncdirs", _MACHINE),
    _said("rsyncignore", INI + "rsyncignore", _MACHINE),
    _said("looponfailroots", INI + "looponfailroots", _NO_TERMINAL),
)

_SESSION_TIMEOUT = "is counted in each process: use the keys `timeout` and `run_timeout`"
TIMEOUT: tuple[Option, ...] = (
    Option(("--timeout",), How.OBEYED, "", "use the key `test_timeout`"),
    *_obeyed("--timeout_method|--timeout-method --timeout-disable-debugger-detection"),
    _said("--session-timeout", "session_timeout", _SESSION_TIMEOUT, plan="use the key `timeout`", several=True),
)
TIMEOUT_INI: tuple[Option, ...] = (
    *_obeyed("timeout timeout_method timeout_func_only timeout_disable_debugger_detection"),
    _said("session_timeout", INI + "session_timeout", _SESSION_TIMEOUT, several=True),
)

ASYNCIO: tuple[Option, ...] = tuple(_obeyed("--asyncio-mode --asyncio-debug"))
ASYNCIO_INI: tuple[Option, ...] = tuple(
    _obeyed("asyncio_mode asyncio_debug asyncio_default_fixture_loop_scope asyncio_default_test_loop_scope")
)

_COVERED = "the data of all processes are combined, and judged once"
COV: tuple[Option, ...] = (
    *_obeyed("--cov-config --cov-branch --cov-context --no-cov"),
    _mapped("--cov", _COVERED),
    _mapped("--cov-reset", _COVERED),
    _mapped("--cov-report", _COVERED),
    _mapped("--cov-fail-under", _COVERED),
    _mapped("--cov-append", _COVERED),
    _said("--no-cov-on-fail", "no_cov_on_fail", "has no effect: a red run shows its coverage too"),
    _said("--cov-precision", "cov_precision", "has no effect: set `precision` in the configuration of coverage"),
)

RERUNFAILURES: tuple[Option, ...] = (
    Option(("--reruns",), How.OBEYED, "", _RETRIES),
    Option(("--reruns-delay",), How.OBEYED, "", _RETRIES),
    *_obeyed("--force-reruns --only-rerun --rerun-except --rerun-exclude-path --reruns-delay-backoff-factor"),
    *_obeyed("--reruns-mode --fail-on-flaky --rerun-show-tracebacks"),
    _said("--max-suite-reruns", "max_suite_reruns", "is counted in each process", several=True),
)
RERUNFAILURES_INI: tuple[Option, ...] = tuple(
    _obeyed("reruns reruns_delay reruns_delay_backoff_factor only_rerun rerun_except")
)

HTML: tuple[Option, ...] = (
    *_obeyed("--self-contained-html --css --metadata --metadata-from-json --metadata-from-json-file"),
    _said("--html", "htmlpath", _ANEW, several=True),
)
HTML_INI: tuple[Option, ...] = tuple(
    _obeyed(
        "environment_table_redact_list generate_report_on_test initial_sort max_asset_filename_length render_collapsed"
    )
)

TABLE: Mapping[str, tuple[Option, ...]] = {
    "pytest": (*PYTEST, *PYTEST_INI),
    "pytest-asyncio": (*ASYNCIO, *ASYNCIO_INI),
    "pytest-timeout": (*TIMEOUT, *TIMEOUT_INI),
    "pytest-xdist": (*XDIST, *XDIST_INI),
    "pytest-cov": COV,
    "pytest-rerunfailures": (*RERUNFAILURES, *RERUNFAILURES_INI),
    "pytest-html, pytest-metadata": (*HTML, *HTML_INI),
}
OPTIONS: Mapping[str, Option] = {
    name: option for options in TABLE.values() for option in options for name in option.names
}


def watched() -> dict[str, str]:
    """By what pytest keeps, the option that is looked for in its configuration."""
    return {option.watched: option.names[0] for option in OPTIONS.values() if option.watched}


def refusals(given: Iterable[str]) -> list[str]:
    """What is wrong with the options of pytest's configuration that were found there."""
    where = "pytest's configuration (addopts or PYTEST_ADDOPTS)"
    return [f"{option.names[0]} stands in {where}: {option.says}" for option in _known(given, How.REFUSED)]


def notes(given: Iterable[str], where: str, *, several: bool) -> list[str]:
    """A warning for each option there that does not mean what it says; see `Option.several`."""
    found = [option for option in _known(given, How.SAID) if several or not option.several]
    return [f"{option.names[0]} {where} {option.says}" for option in found]


def _known(given: Iterable[str], how: How) -> list[Option]:
    known = dict.fromkeys(OPTIONS[name] for name in given if name in OPTIONS)
    return [option for option in known if option.how is how]
