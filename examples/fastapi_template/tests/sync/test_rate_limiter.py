import pytest

from app.rate_limit import RateLimiter, Verdict


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_calls_up_to_the_limit_are_allowed(clock: Clock) -> None:
    limiter = RateLimiter(3, 60, clock)
    assert [limiter.hit("a").allowed for _ in range(4)] == [True, True, True, False]


def test_the_remaining_calls_are_counted_down(clock: Clock) -> None:
    limiter = RateLimiter(3, 60, clock)
    assert [limiter.hit("a").remaining for _ in range(4)] == [2, 1, 0, 0]


def test_clients_do_not_share_a_limit(clock: Clock) -> None:
    limiter = RateLimiter(1, 60, clock)
    assert limiter.hit("a").allowed
    assert limiter.hit("b").allowed
    assert not limiter.hit("a").allowed


def test_the_oldest_call_leaves_the_window_first(clock: Clock) -> None:
    limiter = RateLimiter(2, 60, clock)
    limiter.hit("a")
    clock.now += 40
    limiter.hit("a")
    clock.now += 20
    assert limiter.hit("a").allowed
    assert not limiter.hit("a").allowed


def test_a_refusal_says_how_long_to_wait(clock: Clock) -> None:
    limiter = RateLimiter(1, 60, clock)
    limiter.hit("a")
    clock.now += 15
    assert limiter.hit("a").retry_after == pytest.approx(45)


def test_waiting_that_long_is_enough(clock: Clock) -> None:
    limiter = RateLimiter(1, 60, clock)
    limiter.hit("a")
    clock.now += limiter.hit("a").retry_after
    assert limiter.hit("a").allowed


def test_refused_calls_do_not_prolong_the_wait(clock: Clock) -> None:
    limiter = RateLimiter(1, 60, clock)
    limiter.hit("a")
    for _ in range(59):
        clock.now += 1
        assert not limiter.hit("a").allowed
    clock.now += 1
    assert limiter.hit("a").allowed


def test_clients_that_have_gone_are_forgotten(clock: Clock) -> None:
    limiter = RateLimiter(1, 60, clock)
    for number in range(100):
        limiter.hit(f"client-{number}")
    clock.now += 61
    limiter.hit("late")
    assert len(limiter) == 1


def test_a_client_within_the_window_survives_the_sweep(clock: Clock) -> None:
    limiter = RateLimiter(1, 60, clock)
    clock.now += 30
    limiter.hit("a")
    clock.now += 31
    assert not limiter.hit("a").allowed


@pytest.mark.parametrize(("seconds", "header"), [(0.2, "1"), (1.0, "1"), (1.01, "2"), (59.9, "60")])
def test_retry_after_is_in_whole_seconds_and_never_too_early(seconds: float, header: str) -> None:
    assert Verdict(False, 5, 0, seconds).headers()["Retry-After"] == header


def test_an_allowed_call_has_no_retry_after() -> None:
    assert Verdict(True, 5, 4, 0.0).headers() == {"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "4"}
