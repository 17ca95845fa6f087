"""Everything that the environment decides, read once, when an application is built."""

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.db import async_url


class Settings(BaseSettings):
    """Environment variables, upper case, no prefix: ``DATABASE_URL``, ``JWT_SECRET``…"""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    database_url: str = "sqlite+aiosqlite:///app.db"

    # No default: a service that signs tokens with a published secret must not start. HS256 wants 32 bytes.
    jwt_secret: SecretStr = Field(min_length=32)
    token_seconds: int = Field(default=3600, gt=0)

    # scrypt's cost (RFC 7914). 2**14 takes ~50 ms; tests use 2**4.
    scrypt_n: int = Field(default=2**14, ge=2)
    scrypt_r: int = Field(default=8, ge=1)
    scrypt_p: int = Field(default=1, ge=1)

    hashes_at_once: int = Field(default=4, ge=1, description="a bound on memory: see app.hasher")

    login_attempts: int = Field(default=5, ge=1, description="per client address and minute")
    requests: int = Field(default=600, ge=1, description="per client address and minute")

    @field_validator("database_url")
    @classmethod
    def use_an_async_driver(cls, value: str) -> str:
        return async_url(value)

    @field_validator("scrypt_n")
    @classmethod
    def power_of_two(cls, value: int) -> int:
        if value & (value - 1):
            raise ValueError("scrypt's n is a power of two")
        return value
