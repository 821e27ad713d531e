"""Sealed tips at rest: SQLite on one box, PostgreSQL for many. Nothing here can be read without
a reviewer's key, and no column has room for a number: binary of fixed shape, or small integers."""
