"""What a chain or a thread waits for, in words: locks, queues, events, sleeps, processes, data.

The innermost frames of a wait are always the same few functions of the standard library, anyio or trio; their variables
hold what is waited for. A function that is not known says nothing: then its line must speak for itself.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, MethodType
from typing import Any

from . import safe, stacks
from .chains import Chain

Words = Callable[[FrameType], str]
Holders = Callable[[Any], str]  # who has entered a context manager, as words; empty where nobody is known
_NEAR = 6  # frames from the innermost one that are looked at


def _self(frame: FrameType) -> Any:
    return stacks.local(frame, "self")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _queue(frame: FrameType) -> tuple[str, str]:
    queue = _self(frame)
    items = safe.size(safe.field(queue, "_queue") or safe.field(queue, "queue"))
    most = safe.number(safe.field(queue, "_maxsize") or safe.field(queue, "maxsize")) or 0
    return safe.kind(queue), f"{items} of {most:.0f} items" if most else _count(items, "item")


def _queue_get(frame: FrameType) -> str:
    kind, size = _queue(frame)
    return f"waits for an item of a {kind} ({size})"


def _queue_put(frame: FrameType) -> str:
    kind, size = _queue(frame)
    return f"waits for room in a {kind} ({size})"


def _queue_join(frame: FrameType) -> str:
    queue = _self(frame)
    left = safe.number(safe.field(queue, "_unfinished_tasks") or safe.field(queue, "unfinished_tasks")) or 0
    return f"waits until a {safe.kind(queue)} is worked off: {left:.0f} items are not task_done()"


def _lock(frame: FrameType) -> str:
    return f"waits for a {safe.kind(_self(frame))}"


def _event(frame: FrameType) -> str:
    return f"waits until the {safe.kind(_self(frame))} is set"


def _condition(frame: FrameType) -> str:
    return f"waits for a notify of a {safe.kind(_self(frame))}"


def _barrier(frame: FrameType) -> str:
    barrier = _self(frame)
    parties, there = (safe.number(safe.field(barrier, name)) or 0 for name in ("_parties", "_count"))
    return f"waits at a {safe.kind(barrier)}: {there:.0f} of {parties:.0f} are there"


def _sleep(frame: FrameType) -> str:
    delay = safe.number(stacks.local(frame, "delay"))
    return f"sleeps for {delay:g} s" if delay is not None else "sleeps"


def _group(frame: FrameType) -> str:
    group = _self(frame)
    return f"waits for the {_count(safe.size(safe.field(group, '_tasks')), 'task')} of a {safe.kind(group)}"


def _peer(transport: Any) -> str:
    extra = safe.field(transport, "_extra")
    peer = extra.get("peername") if type(extra) is dict else None
    if type(peer) is tuple and len(peer) >= 2 and type(peer[0]) is str and type(peer[1]) is int:
        return f" from {safe.text(peer[0], 60)}:{peer[1]}"
    return f" from {safe.text(peer, 100)}" if type(peer) is str and peer else ""


def _stream_read(frame: FrameType) -> str:
    return f"waits for data{_peer(safe.field(_self(frame), '_transport'))}"


def _stream_drain(frame: FrameType) -> str:
    return "waits until the other end reads what was written"


def _async_process(frame: FrameType) -> str:
    transport = _self(frame)
    pid = safe.number(safe.field(transport, "_pid"))
    said = f"waits for the end of child process {pid:.0f}" if pid else "waits for the end of a child process"
    pipes = safe.field(transport, "_pipes")
    full = type(pipes) is dict and any(_is_paused(pipe) for number, pipe in list(pipes.items()) if number)
    return said + (", whose output pipe is full: nobody reads it" if full else "")


def _is_paused(pipe: Any) -> bool:
    return safe.field(safe.field(pipe, "pipe"), "_paused") is True


def _to_thread(frame: FrameType) -> str:
    return f"waits for a thread that runs {_function(stacks.local(frame, 'func'))}"


def code_of(func: Any) -> CodeType | None:
    """The code of a function of Python's; what it is bound to is looked through."""
    for _ in range(_NEAR):
        if type(func) is MethodType:
            func = func.__func__
        elif type(func) is functools.partial:
            func = func.func
    return func.__code__ if type(func) is FunctionType else None


def _function(func: Any) -> str:
    """A function by its name, with its place where it is one of Python's."""
    code = code_of(func)
    if code is not None:
        file = safe.text(os.path.basename(code.co_filename), 80)
        return f"{safe.text(code.co_qualname)} ({file}:{code.co_firstlineno})"
    inner = func.func if type(func) is functools.partial else func
    if type(inner) is BuiltinFunctionType:
        module = inner.__module__
        return f"{module}.{inner.__name__}" if type(module) is str else inner.__name__
    return safe.kind(inner)


def _executor(frame: FrameType) -> str:
    return "waits until the threads of the default executor have ended (the end of asyncio.run)"


def _join(frame: FrameType) -> str:
    thread = _self(frame)
    return f"waits for the end of thread {safe.text(safe.field(thread, '_name') or '?', 80)}"


def _shutdown(frame: FrameType) -> str:
    return "the interpreter is at its end and waits for threads that are no daemons"


def _result(frame: FrameType) -> str:
    return "waits for the result of a concurrent.futures.Future, which another thread or a loop must set"


def _pool_shutdown(frame: FrameType) -> str:
    return f"waits until the threads of a {safe.kind(_self(frame))} have ended"


def _process(frame: FrameType) -> str:
    child = _self(frame)
    pid = safe.number(safe.field(child, "pid") or safe.field(child, "_pid"))
    return f"waits for the end of child process {pid:.0f}" if pid else "waits for the end of a child process"


def _read_socket(frame: FrameType) -> str:
    return "waits for data on a socket"


def _select(frame: FrameType) -> str:
    return "waits in select()"


def _portal(frame: FrameType) -> str:
    return "waits for a coroutine that runs in an event loop of another thread"


_TABLE: tuple[tuple[str, tuple[str, ...], Words], ...] = (
    ("asyncio/queues.py", ("Queue.get",), _queue_get),
    ("asyncio/queues.py", ("Queue.put",), _queue_put),
    ("asyncio/queues.py", ("Queue.join",), _queue_join),
    ("asyncio/locks.py", ("Lock.acquire", "Semaphore.acquire"), _lock),
    ("asyncio/locks.py", ("Event.wait",), _event),
    ("asyncio/locks.py", ("Condition.wait", "Condition.wait_for"), _condition),
    ("asyncio/locks.py", ("Barrier.wait",), _barrier),
    ("asyncio/tasks.py", ("sleep",), _sleep),
    ("asyncio/taskgroups.py", ("TaskGroup.__aexit__", "TaskGroup._aexit"), _group),
    ("asyncio/streams.py", ("StreamReader._wait_for_data",), _stream_read),
    ("asyncio/streams.py", ("FlowControlMixin._drain_helper",), _stream_drain),
    ("asyncio/base_subprocess.py", ("BaseSubprocessTransport._wait",), _async_process),
    ("asyncio/threads.py", ("to_thread",), _to_thread),
    ("asyncio/base_events.py", ("BaseEventLoop.shutdown_default_executor",), _executor),
    ("anyio/_backends/_asyncio.py", ("TaskGroup.__aexit__",), _group),
    ("anyio/_backends/_asyncio.py", ("SocketStream.receive", "UNIXSocketStream.receive"), _read_socket),
    ("anyio/_backends/_asyncio.py", ("Lock.acquire", "Semaphore.acquire", "CapacityLimiter.acquire"), _lock),
    ("anyio/_core/_synchronization.py", ("Lock.acquire", "Semaphore.acquire"), _lock),
    ("anyio/streams/memory.py", ("MemoryObjectReceiveStream.receive",), lambda frame: "waits for an item of a stream"),
    ("anyio/streams/memory.py", ("MemoryObjectSendStream.send",), lambda frame: "waits until somebody receives"),
    ("anyio/from_thread.py", ("BlockingPortal.call", "run"), _portal),
    ("trio/_timeouts.py", ("sleep_forever",), lambda frame: "sleeps for ever"),
    (
        "trio/_timeouts.py",
        ("sleep",),
        lambda frame: f"sleeps for {safe.number(stacks.local(frame, 'seconds')) or 0:g} s",
    ),
    ("trio/_sync.py", ("Event.wait",), _event),
    ("trio/_sync.py", ("_LockImpl.acquire", "Semaphore.acquire", "CapacityLimiter.acquire_on_behalf_of"), _lock),
    ("trio/_sync.py", ("Condition.wait",), _condition),
    ("trio/_channel.py", ("MemoryReceiveChannel.receive",), lambda frame: "waits for an item of a channel"),
    ("trio/_channel.py", ("MemorySendChannel.send",), lambda frame: "waits until somebody receives"),
    ("trio/_core/_run.py", ("Nursery._nested_child_finished",), lambda frame: "waits for the tasks of a nursery"),
    ("threading.py", ("Thread.join",), _join),
    ("threading.py", ("_shutdown",), _shutdown),
    ("threading.py", ("Barrier.wait",), _barrier),
    ("queue.py", ("Queue.get",), _queue_get),
    ("queue.py", ("Queue.put",), _queue_put),
    ("queue.py", ("Queue.join",), _queue_join),
    ("concurrent/futures/thread.py", ("ThreadPoolExecutor.shutdown",), _pool_shutdown),
    ("concurrent/futures/process.py", ("ProcessPoolExecutor.shutdown",), _pool_shutdown),
    ("concurrent/futures/_base.py", ("Future.result", "Future.exception"), _result),
    ("threading.py", ("Event.wait",), _event),
    ("threading.py", ("Condition.wait", "Condition.wait_for"), _condition),
    ("subprocess.py", ("Popen.wait", "Popen._wait", "Popen.communicate"), _process),
    ("multiprocessing/process.py", ("BaseProcess.join",), _process),
    ("socket.py", ("SocketIO.readinto", "socket.accept"), _read_socket),
    ("ssl.py", ("SSLSocket.read", "SSLSocket.recv"), _read_socket),
    ("selectors.py", ("EpollSelector.select", "PollSelector.select", "SelectSelector.select"), _select),
)


_BY_FUNCTION: dict[str, list[tuple[str, Words]]] = {}
for _file, _functions, _words in _TABLE:
    for _name in _functions:
        _BY_FUNCTION.setdefault(_name, []).append((_file, _words))

# What these call is nothing of Python's if they are the innermost frame: it is in their variables only.
_CALLERS: tuple[tuple[str, str, Words], ...] = (
    ("asyncio/events.py", "Handle._run", lambda frame: _calls(frame, "a callback of the event loop", "_callback")),
    ("threading.py", "Thread.run", lambda frame: _calls(frame, "the thread", "_target")),
    ("concurrent/futures/thread.py", "_WorkItem.run", lambda frame: _calls(frame, "a thread of a pool", "fn")),
    ("weakref.py", "finalize.__call__", lambda frame: f"a finalizer calls {_info_of_finalizer(frame)}"),
    ("_pytest/fixtures.py", "FixtureDef.finish", lambda frame: f"a finalizer calls {_local_function(frame, 'fin')}"),
)


def _calls(frame: FrameType, who: str, field: str) -> str:
    return f"{who} calls {_function(safe.own(_self(frame), field))}"


def _local_function(frame: FrameType, name: str) -> str:
    return _function(stacks.local(frame, name))


def _info_of_finalizer(frame: FrameType) -> str:
    return _function(safe.slot(stacks.local(frame, "info"), "func"))


def known(frames: Sequence[FrameType]) -> tuple[str, FrameType] | None:
    """The wait that the innermost frames are in, in words, and the frame that says so.

    Of several the outermost that no line of the project's stands below: ``Queue.get`` waits on a condition, and the
    queue is what matters.
    """
    found = None
    for frame in reversed(frames[-_NEAR:]):
        if stacks.is_own(frame.f_code.co_filename):
            break
        for file, words in _BY_FUNCTION.get(frame.f_code.co_qualname, ()):
            if stacks.is_at(frame, file, frame.f_code.co_qualname):
                found = (_guarded(words, frame), frame)
                break
    return found


def calling(frames: Sequence[FrameType]) -> str:
    """What the innermost frame calls in C, where it is known for calling what others have handed to it."""
    for file, function, words in _CALLERS if frames else ():
        if stacks.is_at(frames[-1], file, function):
            return _guarded(words, frames[-1])
    return ""


def _guarded(words: Words, frame: FrameType) -> str:
    try:
        return words(frame)
    except Exception:  # noqa: BLE001 - variables of a frame that is at its end, another version's fields
        return ""


def of_chain(chain: Chain, found: tuple[str, FrameType] | None, holders: Holders) -> str:
    """What a task waits for. ``found`` is the `known` wait of its frames."""
    if found is None:
        return _of_leaf(chain.leaf)
    words, frame = found
    subject = _self(frame)
    if subject is None:
        return words
    holder = holders(subject)
    return f"{words}, which {holder} holds" if holder else words


def _of_leaf(leaf: Any) -> str:
    if leaf is None:
        return ""
    if type(leaf).__name__ == "_GatheringFuture":
        return f"waits for {_count(safe.size(getattr(leaf, '_children', None)), 'awaitable')} of asyncio.gather"
    if any(cls.__name__ == "Task" and cls.__module__ in ("_asyncio", "asyncio.tasks") for cls in type(leaf).__mro__):
        return "waits for another task"
    return f"waits for a {safe.kind(leaf)}"
