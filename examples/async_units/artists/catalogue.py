"""The catalogue of somebody else, over HTTP."""

import httpx
from pydantic import ValidationError

from artists.errors import CatalogueError
from artists.models import Profile


class Catalogue:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def profile(self, name: str) -> Profile:
        try:
            response = await self._client.get("/profiles", params={"name": name})
            response.raise_for_status()
            return Profile.model_validate(response.json())
        except (httpx.HTTPError, ValidationError, ValueError) as error:
            raise CatalogueError(f"no profile of {name!r}: {error}") from error
