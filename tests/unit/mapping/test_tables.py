"""The tables of the language: every example holds, and the JSON Schema accepts what the compiler accepts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from connector.config import mapping_schema
from connector.mapping import codegen, references
from connector.mapping.conditions import COMBINATIONS, compile_where
from connector.mapping.conversions import CONVERSIONS, OPTIONS
from connector.mapping.conversions.timestamps import FORMS, UNITS
from connector.mapping.errors import ConversionError, MappingError, SkipItem
from connector.mapping.identity import KEYS
from connector.mapping.location import Location
from connector.mapping.operators import OPERATORS
from connector.mapping.values import compile_value
from connector.mapping.vocabulary import DEAD_LETTER, SKIP
from connector.mapping.words import WORDS
from connector.settings.problems import Problems
from connector.settings.types import DEFAULT_ZONE
from connector.tuzhan.endpoints import ENDPOINTS, PLATFORMS
from tests.unit.mapping.helpers import record

if TYPE_CHECKING:
    from connector.mapping.expressions import Value
    from connector.mapping.vocabulary import Example, Term

ROOT = Path(__file__).parents[3]


def read(text: str) -> Any:  # noqa: ANN401 - YAML
    return YAML(typ="safe", pure=True).load(text)


def compiled(raw: object) -> Value | None:
    """Compile a value; None if there is a problem with it."""
    problems = Problems()
    value = compile_value(raw, Location(problems, ("x",)))
    return None if problems.found else value


def result_of(raw: object, decoded: object) -> Any:  # noqa: ANN401 - JSON
    """Return what a value yields, or how the item ends, in the words of the examples."""
    value = compiled(raw)
    assert value is not None
    results = []
    for get in (value.get, codegen.compiled(value)):
        try:
            results.append(get(decoded, record()))
        except SkipItem:
            results.append(SKIP)
        except MappingError:
            results.append(DEAD_LETTER)
    assert results[0] == results[1]
    return results[0]


def examples(terms: dict[str, Term]) -> list[Any]:
    return [pytest.param(each, id=each.config) for term in terms.values() for each in term.examples]


@pytest.mark.parametrize("example", examples({**WORDS}))
def test_the_example_of_a_word_holds(example: Example) -> None:
    got = result_of(read(example.config), example.record)
    assert (got, type(got)) == (example.result, type(example.result))


@pytest.mark.parametrize("example", examples({**OPERATORS}))
def test_the_example_of_an_operator_holds(example: Example) -> None:
    problems = Problems()
    condition = compile_where(read(example.config), Location(problems, ("where",))).get
    assert not problems.found
    assert condition(example.record, record()) is example.result


@pytest.mark.parametrize("name", CONVERSIONS)
def test_the_examples_of_a_conversion_hold(name: str) -> None:
    entry = CONVERSIONS[name]
    convert = entry.build({})
    for value, expected in entry.examples:
        got = convert(value)
        assert (got, type(got)) == (expected, type(expected))
        assert result_of({"from": "$.x", "as": name}, {"x": value}) == expected
    for value in entry.impossible:
        with pytest.raises(ConversionError):
            convert(value)


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_every_form_of_a_time_on_the_page_is_read(form: object) -> None:
    assert result_of({"from": "$.x", "as": "date"}, {"x": form}) == "2020-11-16"


@pytest.mark.parametrize("terms", [WORDS, OPERATORS, CONVERSIONS], ids=["words", "operators", "conversions"])
def test_every_entry_has_a_meaning_and_an_example(terms: dict[str, Any]) -> None:
    assert [name for name, term in terms.items() if not term.doc or not term.examples] == []


VALUE_SCHEMA = Draft202012Validator({"$ref": "#/$defs/Value", "$defs": mapping_schema.definitions()})
WHERE_SCHEMA = Draft202012Validator({"$ref": "#/$defs/Conditions", "$defs": mapping_schema.definitions()})
JUNK = [None, True, False, 0, 1, 2.5, -1, 13, "", "x", "$.a", [], ["x"], [None], {}, {"x": 1}]
OPERANDS: dict[str, list[object]] = {
    "from": ["$.a", ["$.a", "$.b"]],
    "template": ["{$.a}!"],
    "each": ["$.a", {"from": "$.a", "as": "split"}],
    "value": ["$item", "$index", {"a": "$item.a", "b": [{"c": "$.c"}]}, ["$item"]],
    "literal": [{"any": 1}],
    "default": [0, "$.b", SKIP, DEAD_LETTER],
    "required": [True, False],
    "extract": ["^a(b)", "(.*)"],
    "as": [*CONVERSIONS, ["trim", "date"], ["phone", "string"], ["trim", "fone"]],
    "unit": [*UNITS, "hours"],
    "local": [True, False],
    "zone": ["UTC", DEFAULT_ZONE],
    "multiply": [0.01, 100, "0.01"],
    "round": [0, 2, 12],
    "on_error": ["omit"],
    "map": [{"A": 1}, {"A": "$.b"}],
    "otherwise": ["o", SKIP],
}
LENIENT = {
    "each": "the same",
    "value": "objects in it need not be words",
    "extract": "the regular expression is not checked",
    "zone": "the names of zones are not listed",
    "multiply": "text may be a number",
    "from": "the form of references is not checked beyond the $",
    "template": "its references are not checked",
    "default": "the same",
    "map": "keys are not compared with each other, nor with what is converted before",
    "otherwise": "the same",
}
"""Words of which the schema accepts more than the compiler, and why."""
WORD_OBJECTS = st.dictionaries(st.sampled_from([*WORDS]), st.none(), min_size=1).flatmap(
    lambda names: st.fixed_dictionaries({name: st.sampled_from(OPERANDS[name] + JUNK) for name in names})
)
SOUND_FROM = WORD_OBJECTS.map(lambda raw: {"from": "$.a", **{k: v for k, v in raw.items() if not WORDS[k].source}})


@pytest.mark.parametrize("word", WORDS)
def test_the_schema_of_a_word_accepts_the_operands_that_the_compiler_accepts(word: str) -> None:
    beside: dict[str, object] = {} if WORDS[word].source else {"from": "$.a"}
    beside = {"each": "$.a"} if word == "value" else {"value": "$item"} if word == "each" else beside
    beside |= (
        {"as": "timestamp"}
        if word in OPTIONS or word == "on_error"
        else {"map": {"A": 1}}
        if word == "otherwise"
        else {}
    )
    for operand in OPERANDS[word] + JUNK:
        raw = {**beside, word: operand}
        if compiled(raw) is not None:
            assert VALUE_SCHEMA.is_valid(raw), raw
        elif word not in ("zone", "multiply", "extract", "each", "value"):  # text is accepted: see LENIENT
            assert not VALUE_SCHEMA.is_valid(raw), raw


@given(WORD_OBJECTS | SOUND_FROM)
def test_the_schema_accepts_every_value_that_the_compiler_accepts(raw: dict[str, object]) -> None:
    if compiled(raw) is not None:
        assert [error.message for error in VALUE_SCHEMA.iter_errors(raw)] == []


@given(SOUND_FROM)
def test_the_schema_refuses_what_the_compiler_refuses_except_where_it_is_lenient(raw: dict[str, object]) -> None:
    exact = {name: OPERANDS[name][0] if name in LENIENT and name in raw else operand for name, operand in raw.items()}
    if exact.keys() & {"as", "multiply", "round"}:  # which may never yield a key of the map: see LENIENT
        exact = {name: operand for name, operand in exact.items() if name not in {"map", "otherwise"}}
    assert VALUE_SCHEMA.is_valid(exact) == (compiled(exact) is not None), exact


@given(st.sampled_from([*CONVERSIONS, "fone"]), st.sets(st.sampled_from([*OPTIONS])), st.booleans())
def test_an_option_is_accepted_beside_the_conversions_that_take_it(name: str, options: set[str], listed: bool) -> None:  # noqa: FBT001 - drawn
    raw = {"from": "$.a", "as": ["trim", name] if listed else name, **{each: OPERANDS[each][0] for each in options}}
    known = name in CONVERSIONS and options <= {option.name for option in CONVERSIONS[name].options}
    assert (compiled(raw) is not None, VALUE_SCHEMA.is_valid(raw)) == (known, known)


@pytest.mark.parametrize("name", OPERATORS)
def test_the_schema_of_an_operator_accepts_the_operands_that_the_compiler_accepts(name: str) -> None:
    for operand in [*JUNK, "5", "$b", "(", [1, "a", True], ["$.a"]]:
        problems = Problems()
        compile_where({"$.a": {name: operand}}, Location(problems, ("where",)))
        accepted = WHERE_SCHEMA.is_valid({"$.a": {name: operand}})
        if not problems.found:
            assert accepted, operand
        elif not (isinstance(operand, str) or operand == ["$.a"]):  # the content of text is not checked
            assert not accepted, operand


SCALARS: st.SearchStrategy[object] = st.sampled_from(
    ["x", 1, 0.5, True, "$.b", "5", None, [], ["x"], [1, "$.b"], {}, "("]
)
CONDITIONS = st.recursive(
    st.dictionaries(
        st.sampled_from(["$.a", "$key"]),
        SCALARS | st.dictionaries(st.sampled_from([*OPERATORS]), SCALARS),
        min_size=1,
    ),
    lambda inner: st.fixed_dictionaries({"any": st.lists(inner)}) | st.fixed_dictionaries({"not": inner}),
    max_leaves=3,
)


@given(CONDITIONS)
def test_the_schema_accepts_every_condition_that_the_compiler_accepts(raw: dict[str, object]) -> None:
    problems = Problems()
    compile_where(raw, Location(problems, ("where",)))
    if not problems.found:
        assert [error.message for error in WHERE_SCHEMA.iter_errors(raw)] == []


@pytest.mark.parametrize(
    "names",
    [
        [*WORDS],
        [*CONVERSIONS],
        [*OPERATORS],
        [*COMBINATIONS],
        [*UNITS],
        [*KEYS],
        [*PLATFORMS],
        [*ENDPOINTS],
        [str(form) for form in FORMS],
        [*references.FORMS],
        [f"default {DEFAULT_ZONE}"],
    ],
    ids=[
        "words",
        "conversions",
        "operators",
        "combinations",
        "units",
        "identity",
        "platforms",
        "endpoints",
        "times",
        "references",
        "zone",
    ],
)
def test_the_sample_config_names_everything_in_the_order_of_the_tables(names: list[str]) -> None:
    comments = " ".join((ROOT / "config" / "connector.yaml").read_text(encoding="utf-8").replace("#", " ").split())
    assert " ".join(names) in comments
