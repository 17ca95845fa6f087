"""The index that a search by state, newest first, needs."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_notes_owner_id_status_created_at", "notes", ["owner_id", "status", "created_at"])


def downgrade() -> None:
    op.drop_index("ix_notes_owner_id_status_created_at", table_name="notes")
