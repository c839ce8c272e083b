"""Events and automations, as models."""
