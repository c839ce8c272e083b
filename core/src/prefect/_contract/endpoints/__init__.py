"""Endpoints: one function for each thing that can be asked of an orchestrator. Each makes a `Call`, none sends it."""
