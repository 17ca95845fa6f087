def total(prices: list[int], tax: int = 0) -> int:
    """The sum of prices in cents, with `tax` per cent on top."""
    return sum(prices) * (100 + tax) // 100
