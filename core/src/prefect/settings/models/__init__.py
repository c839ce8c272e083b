"""The groups of settings, one module each."""
