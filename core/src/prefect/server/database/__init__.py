"""Where the orchestrator keeps its records: tables, connections, migrations and queries."""
