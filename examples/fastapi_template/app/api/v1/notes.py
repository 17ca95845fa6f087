from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, status
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import audit
from app.deps import Caller, Session
from app.models import Note
from app.schemas import NoteChange, NoteFilter, NoteIn, NoteOut, Page
from app.search import UnknownOrderError, Window, note_query, page

router = APIRouter(prefix="/notes", tags=["notes"])


async def _own_note(session: AsyncSession, note_id: int, owner_id: int) -> Note:
    """Somebody else's note is answered like none at all: its existence is nobody's business."""
    note = await session.scalar(select(Note).where(Note.id == note_id, Note.owner_id == owner_id))
    if note is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "no such note")
    return note


@router.post("", status_code=status.HTTP_201_CREATED)
async def create_note(body: NoteIn, user: Caller, session: Session) -> NoteOut:
    note = Note(owner_id=user.id, **body.model_dump())
    session.add(note)
    await session.flush()
    await audit.record(session, audit.Action.note_created, actor_id=user.id, target=f"note:{note.id}")
    await session.commit()
    return NoteOut.model_validate(note)


@router.get("")
async def search_notes(wanted: Annotated[NoteFilter, Query()], user: Caller, session: Session) -> Page[NoteOut]:
    filters = wanted.model_dump(exclude={"limit", "offset"})
    try:
        query = note_query(user.id, **filters)
    except UnknownOrderError as error:
        raise HTTPException(status.HTTP_400_BAD_REQUEST, str(error)) from None
    notes, total = await page(session, query, Window(wanted.limit, wanted.offset))
    items = [NoteOut.model_validate(note) for note in notes]
    return Page(items=items, total=total, limit=wanted.limit, offset=wanted.offset)


@router.get("/{note_id}")
async def read_note(note_id: int, user: Caller, session: Session) -> NoteOut:
    return NoteOut.model_validate(await _own_note(session, note_id, user.id))


@router.patch("/{note_id}")
async def change_note(note_id: int, body: NoteChange, user: Caller, session: Session) -> NoteOut:
    note = await _own_note(session, note_id, user.id)
    changes = body.model_dump(exclude_none=True)
    for name, value in changes.items():
        setattr(note, name, value)
    fields = sorted(changes)
    await audit.record(session, audit.Action.note_updated, actor_id=user.id, target=f"note:{note.id}", fields=fields)
    await session.commit()
    return NoteOut.model_validate(note)


@router.delete("/{note_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_note(note_id: int, user: Caller, session: Session) -> None:
    note = await _own_note(session, note_id, user.id)
    await session.delete(note)
    await audit.record(session, audit.Action.note_deleted, actor_id=user.id, target=f"note:{note_id}")
    await session.commit()
