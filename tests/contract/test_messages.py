"""Every message from inside pytest is decoded by the outer half, with nothing lost."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from async_test_run_inside.wire import messages
from async_test_run_inside.wire.facts import Wire
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from async_test_runner.contract.messages import Message

SAID: dict[str, Callable[..., messages.Message]] = {
    name: function
    for name, function in vars(messages).items()
    if inspect.isfunction(function) and function.__module__ == messages.__name__
}
KINDS = {str(kind.__struct_config__.tag): kind for kind in get_args(Message)}
_TIMES = {"kind", "at", "mono"}
# JSON holds 64 bits, and text without lone surrogates (`plain` sees to it).
_NUMBERS = st.integers(min_value=-(2**63), max_value=2**63 - 1)
st.register_type_strategy(int, _NUMBERS)
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))  # see the tests of the wire


def calls(function: Callable[..., messages.Message]) -> st.SearchStrategy[messages.Message]:
    """The function, called with all that its annotations allow."""
    hints = get_type_hints(function)
    return st.builds(function, **{name: st.from_type(hint) for name, hint in hints.items() if name != "return"})


def sent(message: messages.Message, path: Path) -> bytes:
    wire = Wire(str(path))
    wire.send(message)
    wire.release()
    (line,) = path.read_bytes().strip(b"\n").split(b"\n")
    path.unlink()
    return line


@pytest.mark.parametrize("name", SAID)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=30)
@given(data=st.data())
def test_a_message_arrives_whole(name: str, tmp_path: Path, data: st.DataObject) -> None:
    message = data.draw(calls(SAID[name]))
    line = sent(message, tmp_path / "events.jsonl")
    decoded: Any = msgspec.json.decode(line, type=Message)
    assert type(decoded) is KINDS[message.kind]
    assert set(message.fields) <= {field.encode_name for field in msgspec.structs.fields(decoded)}
    arrived = msgspec.to_builtins(decoded)
    for field, value in message.fields.items():
        assert _covers(arrived[field], value), field


def _covers(arrived: Any, said: Any) -> bool:
    """Whether all that was said is there; the outer half fills in what was left out."""
    if isinstance(said, dict):
        return isinstance(arrived, dict) and all(key in arrived and _covers(arrived[key], said[key]) for key in said)
    if isinstance(said, list | tuple):
        return len(arrived) == len(said) and all(map(_covers, arrived, said))
    return bool(arrived == said) or said is None


def test_every_kind_of_message_is_said_by_one_function() -> None:
    kinds = [_kind_of(function) for function in SAID.values()]
    assert sorted(kinds) == sorted(KINDS)


def _kind_of(function: Callable[..., messages.Message]) -> str:
    arguments = dict.fromkeys(inspect.signature(function).parameters)
    return function(**arguments).kind


def test_only_these_functions_make_messages() -> None:
    """``wire.send`` takes nothing else: a text and keywords would be a message that no test decodes."""
    inside = Path(messages.__file__).parents[1]
    makers = {path.name for path in inside.rglob("*.py") if re.search(r"\bMessage\(", path.read_text(encoding="utf-8"))}
    assert makers == {"messages.py"}
