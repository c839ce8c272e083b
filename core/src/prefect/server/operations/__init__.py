"""
What the orchestrator does: one function for each endpoint, named like it, in the module of that name.

An operation takes a `UnitOfWork` and the parameters of its endpoint, and returns what the endpoint answers. It runs in
one transaction, and may be run again from the start when the database was busy, so it has no other effects.
"""
