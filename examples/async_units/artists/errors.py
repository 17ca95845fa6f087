"""What callers can expect."""


class ArtistNotFoundError(LookupError):
    def __init__(self, artist_id: int) -> None:
        super().__init__(f"there is no artist {artist_id}")


class ArtistExistsError(ValueError):
    def __init__(self, name: str) -> None:
        super().__init__(f"there is an artist {name!r} already")


class CatalogueError(ConnectionError):
    """The catalogue does not answer, or not with a profile."""
