import pytest

from orders.supplier import Supplier


@pytest.mark.parametrize("item", ["pen", "ink", "nib"])
async def test_the_supplier_knows_the_stock(client: Supplier, item: str) -> None:
    assert await client.stock(item) == 3
