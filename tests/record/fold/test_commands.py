"""Setup and teardown commands."""

from __future__ import annotations

from async_test_runner.model.result import CommandResult
from async_test_runner.record.events import CommandFinished
from async_test_runner.record.fold import fold
from tests.support.events import AT, PLANNED, RUN, resumed


def command(name: str) -> CommandFinished:
    result = CommandResult(phase="p", stage="setup", command=name, status=0, duration=1.0, output="")
    return CommandFinished(**AT, result=result)


def test_commands_stand_in_their_order_and_run_again_when_the_run_is_resumed() -> None:
    first = [RUN, PLANNED, command("one"), command("two")]
    assert [each.command for each in fold(first).phases[0].commands] == ["one", "two"]
    assert [each.command for each in fold([*first, resumed(), command("three")]).phases[0].commands] == ["three"]
