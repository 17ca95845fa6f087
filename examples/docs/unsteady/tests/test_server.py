from pathlib import Path


def test_the_server_answers(pytestconfig) -> None:
    started = Path(pytestconfig.rootpath, "started")
    if not started.exists():
        started.touch()
        raise ConnectionError("the server is starting")
