import pytest

from orders import store


def test_without_tax() -> None:
    store.tax = 0  # BAD: for all who come after
    assert store.price(100) == 100


@pytest.mark.parametrize(("net", "gross"), [(100, 119), (200, 238)])
def test_with_tax(net: int, gross: int) -> None:
    assert store.price(net) == gross
