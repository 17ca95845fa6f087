"""The application:  python -m app.database && python -m uvicorn --factory app.main:create_app"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import engine, get_session
from app.desk import Desk
from app.models import Item, Order

Session = Annotated[AsyncSession, Depends(get_session)]


class ItemCreate(BaseModel):
    name: Annotated[str, Field(min_length=1, max_length=100)]
    stock: Annotated[int, Field(ge=0)] = 0


class ItemRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    stock: int


class OrderCreate(BaseModel):
    item_id: int
    quantity: Annotated[int, Field(ge=1)] = 1


class OrderRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    item_id: int
    quantity: int


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with app.state.desk.open():
        yield
    await engine.dispose()


def create_app() -> FastAPI:
    app = FastAPI(title="Shop", lifespan=lifespan)
    app.state.desk = Desk()

    @app.get("/items", response_model=list[ItemRead])
    async def list_items(session: Session) -> list[Item]:
        return list(await session.scalars(select(Item).order_by(Item.id)))

    @app.post("/items", response_model=ItemRead, status_code=201)
    async def create_item(body: ItemCreate, session: Session) -> Item:
        item = Item(name=body.name, stock=body.stock)
        session.add(item)
        await session.commit()
        return item

    @app.post("/orders", response_model=OrderRead, status_code=201)
    async def create_order(body: OrderCreate, session: Session, request: Request) -> Order:
        desk: Desk = request.app.state.desk
        return await desk.do(lambda: place(session, body))

    return app


async def place(session: AsyncSession, wanted: OrderCreate) -> Order:
    """Take the items out of the stock. One after another: two orders cannot both get the last one."""
    item = await session.get(Item, wanted.item_id)
    if item is None:
        raise HTTPException(404, f"there is no item {wanted.item_id}")
    if item.stock < wanted.quantity:
        raise HTTPException(409, f"{item.stock} left, {wanted.quantity} wanted")
    item.stock -= wanted.quantity
    order = Order(item_id=item.id, quantity=wanted.quantity)
    session.add(order)
    await session.commit()
    return order
