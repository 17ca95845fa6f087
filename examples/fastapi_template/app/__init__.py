"""A small notes service: FastAPI, SQLAlchemy asyncio and Alembic, as the real input of async-test-run."""
