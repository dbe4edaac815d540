"""A text finds a listing if and only if the listing holds every word and every run of Chinese asked for."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datamarket.catalogue import words
from datamarket.foundation.db import Database

FEW = st.text(alphabet="海洋气象ab1 ,。Ａ'\\&|!:*", max_size=30)
ANY = st.text(max_size=60)


def finds(text: str, document: str) -> bool:
    asked = words.wanted(text)
    return set(asked.terms) <= words.search_terms(document) and all(
        run in words.phrases(document) for run in asked.runs
    )


@given(FEW | ANY, FEW | ANY)
def test_terms_and_runs_together_say_what_a_plain_reading_says(text: str, document: str) -> None:
    runs, latin = words.runs_and_words(text)
    held_runs, held_latin = words.runs_and_words(document)
    plainly = set(latin) <= set(held_latin) and all(any(run in held for held in held_runs) for run in runs)
    assert finds(text, document) is plainly


@given(ANY, ANY, ANY)
def test_a_text_is_found_by_itself_inside_a_longer_one(before: str, text: str, after: str) -> None:
    assert finds(text, f"{before}\n{text}\n{after}")


@given(st.text(alphabet="海洋气象数据港口", min_size=1, max_size=12), st.data())
def test_any_part_of_a_chinese_name_finds_it(name: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(name) - 1))
    end = data.draw(st.integers(start + 1, len(name)))
    assert finds(name[start:end], f"某{name}接口")


@given(st.text(alphabet="abcXYZ 海洋ＡＢ１2", max_size=20))
def test_case_and_width_do_not_matter(text: str) -> None:
    assert words.search_terms(text.upper()) == words.search_terms(text.lower())


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FEW | ANY, FEW | ANY, st.sampled_from(["category:ocean", "form:api"]))
async def test_the_database_reads_terms_as_they_are_meant(
    database: Database, text: str, document: str, chosen: str
) -> None:
    """Quotes, backslashes and operators in a text are no query language, and a filter is no word."""
    held = [*words.search_terms(document), "category:ocean"]
    asked = [*words.wanted(text).terms, chosen]
    async with database.connection() as connection:
        answer = await connection.fetchval(
            "SELECT $1::text::tsvector @@ $2::text::tsquery", words.lexemes(held), words.all_of(asked)
        )
    assert answer is (set(asked) <= set(held))


def test_common_chinese_names_follow_pinyin_after_digits_and_latin() -> None:
    names = ["港口", "安全", "API", "2024 年报", "渔业", "保函"]
    assert sorted(names, key=words.name_key) == ["2024 年报", "API", "安全", "保函", "港口", "渔业"]
