"""GB 32100-2015: what a check digit over 31 characters, a prime number, must and does catch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamarket.participants import rules as participants_rules

CHARACTERS = st.sampled_from(participants_rules.USCC_ALPHABET)
BODIES = st.builds(
    lambda head, division, rest: head + division + rest,
    st.text(CHARACTERS, min_size=2, max_size=2),
    st.text(st.sampled_from("0123456789"), min_size=6, max_size=6),
    st.text(CHARACTERS, min_size=9, max_size=9),
)
CODES = BODIES.map(lambda body: body + participants_rules.check_digit(body))


@given(CODES)
def test_a_code_with_its_check_digit_passes(code: str) -> None:
    participants_rules.check_uscc(code)


@given(CODES, st.integers(0, 17), CHARACTERS)
def test_any_single_wrong_character_is_caught(code: str, place: int, character: str) -> None:
    wrong = code[:place] + character + code[place + 1 :]
    if wrong == code:
        participants_rules.check_uscc(wrong)
    else:
        with pytest.raises((participants_rules.UsccCheckDigitWrong, participants_rules.UsccCharacterWrong)):
            participants_rules.check_uscc(wrong)


@given(CODES, st.integers(0, 16))
def test_any_two_neighbours_swapped_are_caught(code: str, place: int) -> None:
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    if swapped == code:
        participants_rules.check_uscc(swapped)
    else:
        with pytest.raises((participants_rules.UsccCheckDigitWrong, participants_rules.UsccCharacterWrong)):
            participants_rules.check_uscc(swapped)


@given(CODES, st.integers(0, 17), st.characters(codec="utf-8"))
def test_a_character_outside_the_alphabet_is_named_with_its_place(
    code: str, place: int, character: str
) -> None:
    if character in participants_rules.USCC_ALPHABET:
        return
    with pytest.raises(participants_rules.UsccCharacterWrong) as caught:
        participants_rules.check_uscc(code[:place] + character + code[place + 1 :])
    assert caught.value.facts == {"position": place + 1, "character": character}


@given(st.text(max_size=40).filter(lambda text: len(text) != participants_rules.USCC_LENGTH))
def test_another_length_is_refused_before_anything_else(text: str) -> None:
    with pytest.raises(participants_rules.UsccLengthWrong) as caught:
        participants_rules.check_uscc(text)
    assert caught.value.facts == {"length": len(text)}


def test_the_check_digit_agrees_with_a_sum_done_by_hand() -> None:
    """Only the last of the 17 counts: 1 × 3^16 mod 31 is 28, and 31 − 28 is 3."""
    assert participants_rules.check_digit("0" * 16 + "1") == "3"
    assert participants_rules.check_digit("0" * 17) == "0"
