"""Properties of the whole suite, which the runner is told."""

from __future__ import annotations

from pathlib import Path

from _pytest.junitxml import LogXML
from async_test_run_inside.session.suite_xml import listen

from tests.support.inside import Config


def test_what_a_test_adds_stays_in_pytests_xml_and_is_told(tmp_path: Path) -> None:
    log = LogXML(str(tmp_path / "own.xml"), None)
    config = Config()
    config.pluginmanager.register(log, "xml")
    told: list[tuple[str, str]] = []
    listen(config, lambda name, value: told.append((name, value)))  # type: ignore[arg-type]
    log.add_global_property("build", 42)  # type: ignore[arg-type]
    assert told == [("build", "42")]
    assert log.global_properties == [("build", "42")]


def test_without_an_xml_there_is_nothing_to_hear() -> None:
    listen(Config(), lambda name, value: None)  # type: ignore[arg-type]
