"""Statements, one module for each kind of record. Their functions take a connection and know nothing of rules."""
