"""Two projects for ``isolation: clean``: tests that pollute their process, and tests with habits that do not.

Each body is a test of its own. In the first project another test must never see the process after it, in the second one
all share one process.
"""

from __future__ import annotations

SUPPORT = """
import enum
import functools
import itertools
from collections import Counter, OrderedDict, defaultdict, deque

NUMBER = 1
TEXT = "a"
SETTINGS = {"debug": False}
REGISTRY = []
NAMES = {"a"}
QUEUE = deque([1])
COUNTS = Counter()
GROUPS = defaultdict(list)
ORDERED = OrderedDict(a=1)
RAW = bytearray(b"a")
IDS = itertools.count()


def helper():
    return 1


class Own(dict):
    def __iter__(self):
        raise AssertionError("nobody may call this")


OWN = Own(a=1)


class Base:
    seen = []
    options = {"a": 1}
    tags = {"a"}
    level = 1

    def method(self):
        return 1


class Child(Base):
    pass


class Config:
    def __init__(self):
        self.debug = False
        self.flags = []

    @functools.cached_property
    def expensive(self):
        return object()


CONFIG = Config()


class Colour(enum.Flag):
    RED = 1
    BLUE = 2
    GREEN = 4


@functools.lru_cache
def cached(value):
    return object()


@functools.cache
def once():
    return object()


@functools.singledispatch
def dispatched(value):
    return 1
"""

LATE = "VALUE = 1\n"

# What is left behind, by what it is left in. Each is the body of a test.
POLLUTERS: dict[str, str] = {
    "rebound_number": "app.NUMBER = 2",
    "rebound_text": "app.TEXT = 'b'",
    "rebound_function": "app.helper = lambda: 2",
    "rebound_class": "app.Base = type('Base', (), {})",
    "rebound_container": "app.REGISTRY = [1]",
    "added_name": "app.EXTRA = 1",
    "added_function": "app.extra = lambda: 1",
    "added_by_global": "globals()['SEEN'] = True",
    "removed_name": "del app.NUMBER",
    "removed_function": "del app.helper",
    "removed_class": "del app.Child",
    "list_appended": "app.REGISTRY.append(1)",
    "list_cleared_and_filled": "app.QUEUE.clear(); app.QUEUE.append(object())",
    "list_of_class": "app.Base.seen.append(1)",
    "dict_changed": "app.SETTINGS['debug'] = True",
    "dict_added": "app.SETTINGS['more'] = 1",
    "dict_removed": "del app.SETTINGS['debug']",
    "dict_of_class": "app.Base.options['b'] = 1",
    "dict_of_own_kind": "app.OWN['b'] = 1",
    "defaultdict": "app.GROUPS['a']",
    "ordered_dict": "app.ORDERED['b'] = 1",
    "set_added": "app.NAMES.add('b')",
    "set_removed": "app.NAMES.discard('a')",
    "set_of_class": "app.Base.tags.clear()",
    "counter": "app.COUNTS['a'] += 1",
    "counter_updated": "app.COUNTS.update('abc')",
    "counter_of_ids": "next(app.IDS)",
    "bytes": "app.RAW.extend(b'b')",
    "class_attribute": "app.Base.level = 2",
    "class_attribute_added": "app.Child.level = 3",
    "class_attribute_removed": "del app.Base.level",
    "class_method": "app.Base.method = lambda self: 2",
    "object_attribute": "app.CONFIG.debug = True",
    "object_attribute_added": "app.CONFIG.extra = 1",
    "object_list": "app.CONFIG.flags.append(1)",
    "module_replaced": "sys.modules['app'] = types.ModuleType('app')",
    "module_removed": "del sys.modules['json.decoder']",
    "module_made_up": "sys.modules['made_up'] = types.ModuleType('made_up')",
    "environment_set": "os.environ['LEFT'] = '1'",
    "environment_changed": "os.environ['HOME'] = '/nowhere'",
    "environment_removed": "os.environ.pop('HOME')",
    "filters_added": "warnings.simplefilter('ignore')",
    "filters_of_one": "warnings.filterwarnings('error', category=DeprecationWarning)",
    "filters_reset": "warnings.resetwarnings()",
    "locale": "locale.setlocale(locale.LC_ALL, 'C.UTF-8')",
    "locale_numbers": "locale.setlocale(locale.LC_NUMERIC, 'C.UTF-8')",
    "locale_time": "locale.setlocale(locale.LC_TIME, 'C.UTF-8')",
    "zone": "os.environ['TZ'] = 'Asia/Tokyo'; time.tzset()",
    "zone_without_variable": "os.environ['TZ'] = 'EST5'; time.tzset(); del os.environ['TZ']",
    "zone_replaced": "time.tzname = ('XXX', 'YYY')",
    "function_of_a_library": "time.monotonic = lambda: 0.0",
    "method_of_a_library": "Path.exists = lambda self: True",
    "directory": "os.chdir('/')",
    "logging": "logging.getLogger().setLevel(5)",
    "recursion": "sys.setrecursionlimit(5000)",
    "descriptor": "os.open(__file__, os.O_RDONLY)",
    "thread": "threading.Thread(target=threading.Event().wait, daemon=False).start()",
    "failure": "assert 0",
    "error": "raise RuntimeError('x')",
    "crash": "os._exit(3)",
}

# What many tests do, and what no other test can see.
HABITS: dict[str, str] = {
    "nothing": "pass",
    "patched_attribute": "monkeypatch.setattr(app, 'NUMBER', 2)",
    "patched_item": "monkeypatch.setitem(app.SETTINGS, 'debug', True)",
    "removed_item": "monkeypatch.delitem(app.SETTINGS, 'debug')",
    "removed_attribute": "monkeypatch.delattr(app, 'helper')",
    "patched_environment": "monkeypatch.setenv('LEFT', '1')",
    "patched_directory": "monkeypatch.chdir('/')",
    "patched_path": "monkeypatch.syspath_prepend('/nowhere')",
    "patched_module": "monkeypatch.setitem(sys.modules, 'json', types.ModuleType('json'))",
    "mocked": "with mock.patch('app.helper', return_value=3): assert app.helper() == 3",
    "mocked_dict": "with mock.patch.dict(app.SETTINGS, debug=True): pass",
    "mocked_library": "with mock.patch('time.monotonic', return_value=3): pass",
    "put_back": "app.REGISTRY.append(1); app.REGISTRY.pop()",
    "put_back_set": "app.NAMES.discard('a'); app.NAMES.add('a')",
    "put_back_name": "app.NUMBER = 5; app.NUMBER = 1",
    "lru_cache": "app.cached(1)",
    "cache": "app.once()",
    "cached_property": "app.CONFIG.expensive",
    "dispatch": "app.dispatched(True)",
    "flag": "app.Colour.RED | app.Colour.BLUE",
    "late_module": "import late; assert late.VALUE == 1",
    "late_library": "import wave",
    "late_package": "from package import inner",
    "objects": "app.Config().debug = True",
    "regular_expression": "re.compile('a+b' * 20)",
    "random": "random.random()",
    "own_random": "random.seed(1)",
    "warning": "warnings.warn('careful')",
    "caught_warnings": "with warnings.catch_warnings(): warnings.simplefilter('ignore')",
    "temporary": "(tmp_path / 'a').write_text('a')",
    "output": "print('a'); capsys.readouterr()",
    "logged": "logging.getLogger('app').warning('a')",
    "loop": "asyncio.run(asyncio.sleep(0))",
    "thread_that_ends": "t = threading.Thread(target=print); t.start(); t.join()",
    "skipped": "pytest.skip('no')",
    "expected": "pytest.xfail('known')",
    "wide": "assert wide is app.CONFIG",
    "wide_again": "assert app.CONFIG.debug",
}

_HEAD = """
import asyncio, locale, logging, os, random, re, sys, threading, time, types, warnings
from pathlib import Path
from unittest import mock
import app
import pytest


@pytest.fixture(scope="module")
def wide():
    app.CONFIG.debug = True
    app.REGISTRY.append("wide")
    yield app.CONFIG
    app.REGISTRY.remove("wide")
    app.CONFIG.debug = False


@pytest.fixture(autouse=True)
def process(record_property):
    record_property("pid", str(os.getpid()))


"""
_ARGUMENTS = ("monkeypatch", "tmp_path", "capsys", "wide")


def suite(bodies: dict[str, str]) -> str:
    """One test for each body, in their order."""
    return _HEAD + "\n".join(_test(name, body) for name, body in bodies.items())


def _test(name: str, body: str) -> str:
    arguments = ", ".join(each for each in _ARGUMENTS if each in body.replace("'wide'", "") or (each, name) == _AGAIN)
    return f"def test_{name}({arguments}):\n    {body}\n"


_AGAIN = ("wide", "wide_again")
