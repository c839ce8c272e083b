"""
The orchestrator over HTTP: an ASGI app that is made from the table of endpoints and the signatures of the operations.

Nothing else of the product imports this package, so that without a server nobody pays for one.
"""
