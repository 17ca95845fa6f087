"""What goes over the wire. No model here ever carries a hash or, after its birth, a key."""

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from app.models import NoteStatus

Item = TypeVar("Item")


def _email(value: str) -> str:
    """A cheap shape check, and one spelling per mailbox; only a sent mail proves an address."""
    local, at, domain = value.strip().lower().rpartition("@")
    if not (local and at and "." in domain.strip(".") and not any(c.isspace() for c in value.strip())):
        raise ValueError("not an e-mail address")
    return f"{local}@{domain}"


def _strong(value: SecretStr) -> SecretStr:
    password = value.get_secret_value()
    if password.isdigit() or password.isalpha():
        raise ValueError("use letters and something else")
    return value


Email = Annotated[str, Field(max_length=254), AfterValidator(_email)]
# The upper limit keeps a request from hashing a megabyte.
Password = Annotated[SecretStr, Field(min_length=10, max_length=128), AfterValidator(_strong)]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
KeyName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)]


class Input(BaseModel):
    """A misspelled field is an error, not a silent no-op."""

    model_config = ConfigDict(extra="forbid")


class Output(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Page(BaseModel, Generic[Item]):
    items: list[Item]
    total: int
    limit: int
    offset: int


class Registration(Input):
    email: Email
    password: Password
    full_name: str = Field(default="", max_length=100)


class Token(BaseModel):
    access_token: str
    token_type: str = "bearer"
    expires_in: int


class UserOut(Output):
    id: int
    email: str
    full_name: str
    is_admin: bool
    is_active: bool
    created_at: datetime


class ProfileChange(Input):
    full_name: str = Field(max_length=100)


class PasswordChange(Input):
    current: SecretStr
    new: Password


class UserChange(Input):
    """What an administrator may change about somebody."""

    is_admin: bool | None = None
    is_active: bool | None = None


class KeyRequest(Input):
    name: KeyName


class KeyOut(Output):
    id: int
    name: str
    prefix: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class KeyCreated(KeyOut):
    key: str = Field(description="shown this once")


class NoteIn(Input):
    title: Title
    body: str = Field(default="", max_length=20_000)
    status: NoteStatus = NoteStatus.draft


class NoteChange(Input):
    title: Title | None = None
    body: str | None = Field(default=None, max_length=20_000)
    status: NoteStatus | None = None


class NoteOut(Output):
    id: int
    title: str
    body: str
    status: NoteStatus
    created_at: datetime
    updated_at: datetime


class NoteFilter(BaseModel):
    """The query string of a notes search."""

    model_config = ConfigDict(extra="forbid")

    q: str | None = Field(default=None, max_length=200)
    status: NoteStatus | None = None
    created_after: AwareDatetime | None = None
    created_before: AwareDatetime | None = None
    sort: str = "-created_at"
    limit: int = Field(default=20, ge=1, le=100)
    offset: int = Field(default=0, ge=0)


class AuditOut(Output):
    id: int
    actor_id: int | None
    action: str
    target: str
    detail: dict[str, Any]
    created_at: datetime
