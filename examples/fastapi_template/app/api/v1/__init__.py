"""Version 1: one module per resource, put together here."""

from fastapi import APIRouter, Depends

from app.api.v1 import api_keys, audit_logs, auth, health, notes, users
from app.deps import limit_requests

router = APIRouter(prefix="/api/v1")
router.include_router(health.router)  # a probe is never refused for calling often

for module in (auth, users, api_keys, notes, audit_logs):
    router.include_router(module.router, dependencies=[Depends(limit_requests)])
