"""The command `prefect-aws`."""
