"""The web pages of a Prefect server."""
