"""Locks on results, so that of several runs with the same key one computes and the others wait."""
