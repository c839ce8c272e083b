"""Bundles of flow runs in S3: the storage steps of work pools."""
