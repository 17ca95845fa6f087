"""The table, and what is told of it."""

from sqlmodel import Field, SQLModel


class ArtistBase(SQLModel):
    name: str = Field(min_length=1, max_length=100, unique=True)
    country: str = Field(min_length=2, max_length=2)


class Artist(ArtistBase, table=True):
    __tablename__ = "artists"

    id: int | None = Field(default=None, primary_key=True)
    plays: int = Field(default=0)


class Profile(SQLModel):
    """What the catalogue of somebody else says about an artist."""

    biography: str
    albums: int
