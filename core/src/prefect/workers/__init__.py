"""Workers: processes that take runs from work pools and have them executed."""
