"""A supplier's API, which allows a customer two connections."""

from types import TracebackType
from typing import Self

import httpx


class TooManyClientsError(RuntimeError):
    pass


class Supplier:
    _open = 0

    def __init__(self) -> None:
        if Supplier._open == 2:
            raise TooManyClientsError("the supplier allows two clients, close one")
        Supplier._open += 1
        self._client = httpx.AsyncClient(transport=httpx.MockTransport(_answer), base_url="http://supplier")

    async def stock(self, item: str) -> int:
        return int((await self._client.get("/stock", params={"item": item})).json())

    async def aclose(self) -> None:
        Supplier._open -= 1
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


def _answer(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json=len(request.url.params["item"]))
