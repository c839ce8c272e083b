"""PostgreSQL as the database of an orchestrator."""
