"""How refusals look."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse


async def _refuse_input(_request: Request, error: Exception) -> JSONResponse:
    """Where and what is wrong, but not the value itself: it may be a password, and answers end up in logs."""
    assert isinstance(error, RequestValidationError)
    problems = [{key: problem[key] for key in ("type", "loc", "msg")} for problem in error.errors()]
    return JSONResponse({"detail": problems}, 422)


def install(app: FastAPI) -> None:
    app.add_exception_handler(RequestValidationError, _refuse_input)
