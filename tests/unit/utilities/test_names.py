import random

import pytest

from prefect.utilities.names import generate_slug, obfuscate, obfuscate_string
from prefect.utilities.words import ADJECTIVES, ANIMALS


@pytest.mark.parametrize("n_words", [1, 2, 3, 4])
def test_a_slug_has_the_number_of_words_asked_for(n_words):
    *adjectives, animal = generate_slug(n_words).split("-")
    assert len(adjectives) == n_words - 1
    assert animal in ANIMALS
    assert set(adjectives) <= set(ADJECTIVES)


def test_a_slug_of_no_words_is_refused():
    with pytest.raises(ValueError, match="not 0"):
        generate_slug(0)


def test_slugs_differ_and_leave_the_users_randomness_alone():
    random.seed(1)
    expected = random.random()
    random.seed(1)
    first = {generate_slug(2) for _ in range(20)}
    assert random.random() == expected
    random.seed(1)
    assert first != {generate_slug(2) for _ in range(20)}


def test_word_lists_have_no_doubles():
    assert len(set(ADJECTIVES)) == len(ADJECTIVES)
    assert len(set(ANIMALS)) == len(ANIMALS)
    assert all(word.isascii() and word.islower() and word.isalpha() for word in ADJECTIVES + ANIMALS)


@pytest.mark.parametrize("value", ["secretvalue123", "abc", "", None, 123, {"a": 1}])
def test_obfuscated_values_are_not_shown_and_do_not_tell_their_length(value):
    assert obfuscate(value) == "********"


def test_the_tail_of_a_long_text_can_be_shown():
    assert obfuscate("secretvalue123", show_tail=True) == "****e123"
    assert obfuscate_string("secretvalue123", show_tail=True) == "****e123"
    assert obfuscate("abc", show_tail=True) == "********"
