"""Suites that test how third-party packages present what they publish; `prefect.testing.conformance` tests what it does."""

from prefect.testing.standard_test_suites.blocks import BlockStandardTestSuite

__all__ = ["BlockStandardTestSuite"]
