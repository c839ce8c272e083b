"""The orchestrator: what it stores (`database`) and what it does (`operations`)."""
