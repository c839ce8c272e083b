"""The rules: what may happen to a run. Pure functions of values, the same wherever a run is decided on."""
