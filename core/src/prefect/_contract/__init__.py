"""What can be asked of an orchestrator: its models, and the endpoints that take and return them."""
