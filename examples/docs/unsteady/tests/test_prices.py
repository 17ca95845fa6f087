prices = {"tea": 250}


def test_prices_can_be_changed() -> None:
    prices["tea"] = 300
    assert prices["tea"] == 300


def test_tea_is_cheap() -> None:
    assert prices["tea"] == 250
