import pytest
from shop.prices import total


@pytest.mark.parametrize("prices", [[], [100], [100, 250]])
def test_the_total_is_the_sum(prices: list[int]) -> None:
    assert total(prices) == sum(prices)


def test_tax_is_added() -> None:
    assert total([100, 100], tax=7) == 214
