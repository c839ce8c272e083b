import pytest

from prefect.plugins.versions import DEFAULT_REQUIREMENT, admits


@pytest.mark.parametrize(
    ("requirement", "version", "expected"),
    [
        (">=0.1,<1", "0.2", True),
        (">=0.1,<1", "1.0", False),
        (">=0.1,<1", "1", False),
        (">=0.3", "0.2", False),
        ("==0.2", "0.2.0", True),
        ("==0.2.*", "0.2.7", True),
        ("==0.2.*", "0.3", False),
        ("!=0.2.*", "0.2.1", False),
        ("!=0.2", "0.3", True),
        ("~=0.2", "0.9", True),
        ("~=0.2.1", "0.3", False),
        ("~=0.2.1", "0.2.5", True),
        (" >0.1 , <= 0.2 ", "0.2", True),
        ("", "0.2", True),
    ],
)
def test_a_requirement_admits_versions(requirement, version, expected):
    assert admits(requirement, version) is expected


@pytest.mark.parametrize("requirement", ["seven", ">=", "0.2", ">=0.2.*", "~=1", ">=1b2"])
def test_a_requirement_that_cannot_be_read_is_an_error(requirement):
    with pytest.raises(ValueError, match="requirement|at least two"):
        admits(requirement)


def test_plugins_that_say_nothing_are_admitted():
    assert admits(DEFAULT_REQUIREMENT)
