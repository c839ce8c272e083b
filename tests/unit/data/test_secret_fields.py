"""Which values of a block's document are masked, wherever they are nested."""

from __future__ import annotations

from prefect.server.operations.secret_fields import MASK, keep_masked, mask

FIELDS = {"secret_fields": ["password", "several.password", "named.*.password"]}
DATA = {
    "password": "a",
    "several": [{"password": "b", "user": "u"}, {"password": "c"}],
    "named": {"x": {"password": "d"}},
    "open": "e",
}


def test_secrets_are_masked_in_lists_and_mappings() -> None:
    assert mask(FIELDS, DATA) == {
        "password": MASK,
        "several": [{"password": MASK, "user": "u"}, {"password": MASK}],
        "named": {"x": {"password": MASK}},
        "open": "e",
    }


def test_masks_that_are_sent_back_keep_what_is_stored() -> None:
    changed = mask(FIELDS, DATA)
    changed["several"][1]["password"] = "new"
    kept = keep_masked(FIELDS, changed, DATA)
    assert kept["several"] == [{"password": "b", "user": "u"}, {"password": "new"}]
    assert kept["password"] == "a"
    assert keep_masked(FIELDS, {"several": [{"password": MASK}] * 3}, DATA)["several"][2] == {"password": MASK}
