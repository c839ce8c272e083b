"""What every way to notify people must be able to do."""

from __future__ import annotations

from typing import Any

import pytest

from prefect.plugins import DeliveryResult

__all__ = ["NotifierContract"]


class NotifierContract:
    """
    For implementations of `prefect_send_notification`. Subclass it with two fixtures: `send`, the implementation, and
    `target`, what it delivers to. `unreachable`, a target that it knows and cannot deliver to, is optional.

        class TestMatrix(NotifierContract):
            @pytest.fixture
            def send(self):
                return my_plugin.prefect_send_notification

            @pytest.fixture
            def target(self):
                return "matrix:#room"
    """

    @pytest.fixture
    def send(self) -> Any:
        """The implementation: `(target, subject, body) -> DeliveryResult | None`."""
        raise NotImplementedError("Give the suite a fixture `send`.")

    @pytest.fixture
    def target(self) -> Any:
        """What it delivers to."""
        raise NotImplementedError("Give the suite a fixture `target`.")

    @pytest.fixture
    def unreachable(self) -> Any:
        """A target that it knows and cannot deliver to."""
        pytest.skip("The suite has no fixture `unreachable`.")

    def test_it_says_that_it_has_delivered(self, send: Any, target: Any) -> None:
        """A text with a subject is delivered."""
        result = send(target, "A subject", "A text.")
        assert isinstance(result, DeliveryResult)
        assert result.delivered, result.detail

    def test_a_subject_may_be_missing(self, send: Any, target: Any) -> None:
        """Not everything has a subject."""
        assert send(target, None, "A text.").delivered

    @pytest.mark.parametrize("text", ["", "Grüße, 世界 🎉", "two\nlines", "<b>&amp;</b>", "long " * 200])
    def test_any_text_is_delivered(self, send: Any, target: Any, text: str) -> None:
        """Whatever the text has in it."""
        assert send(target, "A subject", text).delivered

    @pytest.mark.parametrize("stranger", [None, "nobody-knows:this", "plain text", 17, object()])
    def test_it_leaves_other_targets_to_others(self, send: Any, stranger: Any) -> None:
        """The answer for what it does not know is None, so that others are asked."""
        assert send(stranger, "A subject", "A text.") is None

    def test_it_says_why_it_has_not_delivered(self, send: Any, unreachable: Any) -> None:
        """What cannot be delivered is said with a reason, and not raised."""
        result = send(unreachable, "A subject", "A text.")
        assert isinstance(result, DeliveryResult)
        assert not result.delivered
        assert result.detail
