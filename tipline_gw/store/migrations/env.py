"""Alembic's entry: migrates over the connection that the store opened."""

from alembic import context

from tipline_gw.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=False)
with context.begin_transaction():
    context.run_migrations()
