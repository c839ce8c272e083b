"""How the SDK reaches an orchestrator: transports, and the clients over them."""
