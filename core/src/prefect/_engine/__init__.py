"""How flows and tasks run: generators that say what is to be done next, and the effects that do it."""
