"""What every caller meets before any database: liveness, the schema, request ids, refusals."""

import pytest
from fastapi import FastAPI
from httpx import AsyncClient


async def test_the_service_is_alive(api: AsyncClient) -> None:
    response = await api.get("/api/v1/health")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_every_path_is_versioned(api: AsyncClient) -> None:
    paths = (await api.get("/openapi.json")).json()["paths"]
    assert paths
    assert all(path.startswith("/api/v1/") for path in paths)


async def test_no_answer_s_schema_mentions_a_hash(api: AsyncClient) -> None:
    schemas = (await api.get("/openapi.json")).json()["components"]["schemas"]
    fields = {field for schema in schemas.values() for field in schema.get("properties", {})}
    assert "email" in fields
    assert not [field for field in fields if "hash" in field]


async def test_both_ways_to_authenticate_are_documented(api: AsyncClient) -> None:
    schemes = (await api.get("/openapi.json")).json()["components"]["securitySchemes"]
    assert {scheme["type"] for scheme in schemes.values()} == {"oauth2", "apiKey"}


async def test_an_unknown_path_is_not_found(api: AsyncClient) -> None:
    assert (await api.get("/api/v2/health")).status_code == 404


async def test_a_response_names_its_request(api: AsyncClient) -> None:
    first, second = await api.get("/api/v1/health"), await api.get("/api/v1/health")
    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]


async def test_the_caller_s_request_id_is_kept(api: AsyncClient) -> None:
    response = await api.get("/api/v1/health", headers={"X-Request-ID": "trace-1.a_b"})
    assert response.headers["X-Request-ID"] == "trace-1.a_b"


@pytest.mark.parametrize("sent", ["a b", "x" * 65], ids=["space", "long"])
async def test_a_request_id_unfit_for_logs_is_replaced(sent: str, api: AsyncClient) -> None:
    received = (await api.get("/api/v1/health", headers={"X-Request-ID": sent})).headers["X-Request-ID"]
    assert received != sent
    assert len(received) == 16


async def test_an_error_names_its_request_too(api: AsyncClient) -> None:
    response = await api.get("/nowhere", headers={"X-Request-ID": "trace-2"})
    assert (response.status_code, response.headers["X-Request-ID"]) == (404, "trace-2")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/users/me"),
        ("PATCH", "/users/me"),
        ("GET", "/users"),
        ("POST", "/api-keys"),
        ("GET", "/notes"),
        ("POST", "/notes"),
        ("DELETE", "/notes/1"),
        ("GET", "/audit-logs"),
    ],
    ids=lambda value: value.strip("/").replace("/", "-"),
)
async def test_without_credentials_nothing_opens(method: str, path: str, api: AsyncClient) -> None:
    response = await api.request(method, f"/api/v1{path}", json={"title": "x", "name": "x", "full_name": "x"})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("token", ["x", "a.b.c", "é"], ids=["word", "dots", "latin"])
async def test_a_malformed_token_is_refused(token: str, api: AsyncClient) -> None:
    headers = {b"Authorization": f"Bearer {token}".encode()}
    assert (await api.get("/api/v1/users/me", headers=headers)).status_code == 401


async def test_a_malformed_api_key_is_refused_without_a_query(api: AsyncClient, app: FastAPI) -> None:
    response = await api.get("/api/v1/users/me", headers={"X-API-Key": "not-a-key"})
    assert (response.status_code, response.json()["detail"]) == (401, "unknown or inactive user")


async def test_a_bad_registration_lists_every_problem(api: AsyncClient) -> None:
    response = await api.post("/api/v1/auth/register", json={"email": "nobody", "password": "short", "admin": True})
    assert response.status_code == 422
    assert {problem["loc"][-1] for problem in response.json()["detail"]} == {"email", "password", "admin"}


async def test_a_refused_password_is_not_sent_back(api: AsyncClient) -> None:
    body = {"email": "a@example.com", "password": "onlyletterssecret"}
    response = await api.post("/api/v1/auth/register", json=body)
    assert response.status_code == 422
    assert "onlyletterssecret" not in response.text
