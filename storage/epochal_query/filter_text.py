"""The filter grammar: text to a frozen tree, and errors that show the place.

::

    filter     := conjunction ("or" conjunction)*
    conjunction := negation ("and" negation)*
    negation   := "not" negation | "(" filter ")" | comparison
    comparison := field ("=" | "!=" | "<" | "<=" | ">" | ">=") value
                | field ["not"] "in" "(" value ("," value)* ")"
                | field ["not"] ("contains" | "like" | "matches") text
                | field "is" ["not"] "null" | field ["not"] "exists"
                | ("input" | "output" | "artifact" | "component" | "run" | "trial" | "experiment") "(" filter ")"
    field      := "params" "." name | "metrics" "." name "." statistic | "tags" "." name | "variables" "." name
                | attribute
    name       := part ("." part)*        part: letters, digits, _ - / : @ +, or anything in backticks
    value      := number | 'text' | "text" | true | false | inf | -inf

Key words are recognised in any case. A quote inside a text, or a backtick in backticks, is doubled.
"""

from __future__ import annotations

import re
from typing import NoReturn, cast

from epochal_query.attributes import EXAMPLES, NOUNS, Word
from epochal_query.errors import FilterError
from epochal_query.filter_tree import (
    PART,
    STATISTICS,
    All,
    Compare,
    Condition,
    Contains,
    Field,
    Has,
    IsNull,
    Like,
    Matches,
    Not,
    OneOf,
    Operator,
    OrderKey,
    Root,
    Scalar,
    Some,
)
from epochal_query.names import near

NESTING_MAX = 100

_SPACE = re.compile(r"\s*")
_BACKTICKS = re.compile(r"`((?:[^`]|``)*)`", re.DOTALL)
_TEXT = re.compile(r"'((?:[^']|'')*)'|\"((?:[^\"]|\"\")*)\"", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])", re.ASCII)
_INFINITE = re.compile(r"([+-]?)inf(?:inity)?(?![\w.])", re.IGNORECASE)
_OPERATOR = re.compile(r"<=|>=|!=|<>|==|=|<|>")
_NESTED = re.compile(r"(input|output|artifact|component|run|trial|experiment)\s*\(", re.IGNORECASE)
_SAME: dict[str, str] = {"<>": "!=", "==": "="}
_ROOTS: dict[str, Root] = {
    "params": "params",
    "param": "params",
    "metrics": "metrics",
    "metric": "metrics",
    "tags": "tags",
    "tag": "tags",
    "variables": "variables",
    "variable": "variables",
}


def parse_filter(text: str, of: Word = "component") -> Condition:
    """The filter that ``text`` writes, about components or what else it is ``of``.

    Raises:
        FilterError: it isn't of the grammar; the message shows the place and what was expected there.
    """
    parser = _Parser(text, of)
    found = parser.disjunction(0)
    parser.end("and, or, or the end")
    return found


def parse_order(text: str, of: Word = "component") -> tuple[OrderKey, ...]:
    """The order that ``text`` writes: fields with ``asc`` or ``desc`` after them, between commas.

    Raises:
        FilterError: it isn't of that form; the message shows the place and what was expected there.
    """
    parser = _Parser(text, of)
    keys = [parser.order_key()]
    while parser.take(","):
        keys.append(parser.order_key())
    parser.end("asc, desc, a comma, or the end")
    return tuple(keys)


class _Parser:
    """Recursive descent straight over the text; ``at`` is where the next thing begins."""

    def __init__(self, text: str, of: Word) -> None:
        if not isinstance(cast(object, text), str):
            raise FilterError(f"a filter is text or a filter object, not {text!r}")
        self.text = text
        self.of: Word = of
        self.at = 0
        self._skip()

    # --- places ------------------------------------------------------------------------------------------------

    def _skip(self) -> None:
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Take what the pattern matches here, with the space after it."""
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
            self._skip()
        return found

    def take(self, sign: str) -> bool:
        """Take this sign if it stands here."""
        if not self.text.startswith(sign, self.at):
            return False
        self.at += len(sign)
        self._skip()
        return True

    def word(self, *words: str) -> str:
        """Take one of these key words if it stands here; else the empty text."""
        found = PART.match(self.text, self.at)
        if found is None or found.group().casefold() not in words:
            return ""
        self.match(PART)
        return found.group().casefold()

    def end(self, expected: str) -> None:
        """Require that nothing is left."""
        if self.at < len(self.text):
            self.fail(f"expected {expected}")

    def fail(self, problem: str, at: int | None = None) -> NoReturn:
        """Raise the error that shows the place."""
        place = self.at if at is None else at
        begin = self.text.rfind("\n", 0, place) + 1
        line = self.text[begin:].split("\n", 1)[0]
        shown_from = max(0, place - begin - 60)
        shown = line[shown_from : place - begin + 40]
        raise FilterError(
            f"{problem}, at character {place + 1} of the filter\n  {shown}\n  {' ' * (place - begin - shown_from)}^"
        )

    # --- the grammar -------------------------------------------------------------------------------------------

    def disjunction(self, level: int) -> Condition:
        """``a or b or …``."""
        if level > NESTING_MAX:
            self.fail(f"nested more than {NESTING_MAX} deep")
        parts = [self.conjunction(level)]
        while self.word("or"):
            parts.append(self.conjunction(level))
        return parts[0] if len(parts) == 1 else Some(tuple(parts))

    def conjunction(self, level: int) -> Condition:
        """``a and b and …``."""
        parts = [self.negation(level)]
        while self.word("and"):
            parts.append(self.negation(level))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def negation(self, level: int) -> Condition:
        """``not a``, a group, or a comparison."""
        if level > NESTING_MAX:
            self.fail(f"nested more than {NESTING_MAX} deep")
        if self.word("not"):
            return Not(self.negation(level + 1))
        if self.take("("):
            inner = self.disjunction(level + 1)
            if not self.take(")"):
                self.fail("expected ) to close the group")
            return inner
        return self.comparison(level)

    def nested(self, level: int) -> Condition | None:
        """``input(…)``, one object that satisfies all inside; nothing where no such word and parenthesis stand here."""
        found = _NESTED.match(self.text, self.at)
        if found is None:
            return None
        word = cast(Word, found.group(1).casefold())
        inside, outside = NOUNS[self.of].nested, self.of
        if word not in inside:
            has = f"there are {', '.join(f'{one}(...)' for one in inside)}" if inside else "nothing nests in it"
            self.fail(f"there is no {word}(...) of {_some(outside)}; {has}")
        self.match(_NESTED)
        self.of = word
        filter_ = self.disjunction(level + 1)
        self.of = outside
        if not self.take(")"):
            self.fail(f"expected ) to close {word}(")
        return Has(word, filter_)

    def comparison(self, level: int) -> Condition:
        """A field and what is asked of it, or a filter about what it has."""
        if (inner := self.nested(level)) is not None:
            return inner
        field = self.field()
        operator = self.match(_OPERATOR)
        if operator is not None:
            sign = _SAME.get(operator.group(), operator.group())
            return Compare(field, cast(Operator, sign), self.value())
        if self.word("is"):
            negated = bool(self.word("not"))
            if not self.word("null"):
                self.fail("expected null or not null")
            return Not(IsNull(field)) if negated else IsNull(field)
        negated = bool(self.word("not"))
        found: Condition
        if self.word("exists"):
            return IsNull(field) if negated else Not(IsNull(field))
        match self.word("in", "like", "matches", "contains"):
            case "in":
                found = OneOf(field, self.values())
            case "like":
                found = Like(field, self.pattern("like"))
            case "matches":
                found = Matches(field, self.pattern("matches"))
            case "contains":
                found = Contains(field, self.pattern("contains"))
            case _:
                self.fail(f"expected = != < <= > >= in contains like matches exists or is after {field}")
        return Not(found) if negated else found

    def field(self) -> Field:
        """``params.x``, ``metrics.x.last``, ``tags.x``, or an attribute."""
        begin = self.at
        first = self.match(PART)
        if first is None:
            self.fail(f"expected a field such as {', '.join(self._examples())} or {list(NOUNS[self.of].attributes)[2]}")
        root = _ROOTS.get(first.group().casefold())
        if root is None or (root not in NOUNS[self.of].roots and not self.text.startswith(".", self.at)):
            return self._attribute(first.group(), begin)
        if root not in NOUNS[self.of].roots:
            self.fail(f"{_some(self.of)} has no {root}: {self._fields()}", begin)
        parts: list[str] = []
        while self.take("."):
            parts.append(self.part())
        if not parts:
            self.fail(f"expected .name after {root}")
        if root != "metrics":
            return Field(root, ".".join(parts))
        if len(parts) < 2 or parts[-1] not in STATISTICS:
            self._no_statistic(parts, begin)
        return Field("metrics", ".".join(parts[:-1]), parts[-1])

    def _no_statistic(self, parts: list[str], begin: int) -> NoReturn:
        near_ones = near(parts[-1], STATISTICS) if len(parts) > 1 else []
        hint = f" (near {parts[-1]!r}: {', '.join(near_ones)})" if near_ones else f", as in metrics.{parts[0]}.last"
        self.fail(f"expected a statistic after the metric's name: {', '.join(STATISTICS)}{hint}", begin)

    def _attribute(self, name: str, begin: int) -> Field:
        attributes = NOUNS[self.of].attributes
        if name in attributes:
            return Field("", name)
        close = near(name, attributes)
        hint = f"; near: {', '.join(close)}" if close else ""
        return self.fail(f"there is no field {name!r} of {_some(self.of)}: {self._fields(name)}{hint}", begin)

    def _examples(self, name: str = "") -> list[str]:
        shown = {**EXAMPLES, **({root: f"{root}.{name}" for root in EXAMPLES} if name else {})}
        if name:
            shown["metrics"] = f"metrics.{name}.last"
        return [shown[root] for root in NOUNS[self.of].roots]

    def _fields(self, name: str = "") -> str:
        """What can be written instead."""
        rooted = " or ".join(self._examples(name))
        return f"write {rooted + ', or ' if rooted else ''}one of {', '.join(NOUNS[self.of].attributes)}"

    def part(self) -> str:
        """One part of a name."""
        quoted = self.match(_BACKTICKS)
        if quoted is not None:
            return quoted.group(1).replace("``", "`")
        plain = self.match(PART)
        if plain is None:
            self.fail("expected a name (in `backticks` if it has odd characters)")
        return plain.group()

    def value(self) -> Scalar:
        """A literal."""
        text = self.match(_TEXT)
        if text is not None:
            single, double = text.groups()
            return single.replace("''", "'") if single is not None else double.replace('""', '"')
        infinite = self.match(_INFINITE)
        if infinite is not None:
            return float(infinite.group(1) + "inf")
        number = self.match(_NUMBER)
        if number is not None:
            return _number(number.group())
        word = self.word("true", "false")
        if word:
            return word == "true"
        return self._no_value()

    def _no_value(self) -> NoReturn:
        if self.word("null", "none"):
            self.fail("nothing equals null: write `is null` or `is not null`")
        if self.word("nan"):
            self.fail("nothing equals NaN: write metrics.<name>.nan_count > 0")
        bare = PART.match(self.text, self.at)
        hint = f": text stands in quotes, as in '{bare.group()}'" if bare else ""
        self.fail(f"expected a number, a text in quotes, true or false{hint}")

    def values(self) -> tuple[Scalar, ...]:
        """A list of literals in parentheses."""
        if not self.take("("):
            self.fail("expected ( and a list of values after in")
        found = [self.value()]
        while self.take(","):
            found.append(self.value())
        if not self.take(")"):
            self.fail("expected , or ) in the list of values")
        return tuple(found)

    def pattern(self, operator: str) -> str:
        """The text after like or matches."""
        begin = self.at
        found = self.value()
        if not isinstance(found, str):
            self.fail(f"{operator} takes a text in quotes", begin)
        return found

    def order_key(self) -> OrderKey:
        """A field, and which way."""
        field = self.field()
        return OrderKey(field, descending=self.word("asc", "desc") == "desc")


def _some(word: Word) -> str:
    return f"an {word}" if word[0] in "aeio" else f"a {word}"


def _number(text: str) -> int | float:
    return int(text) if re.fullmatch(r"[+-]?\d+", text) and len(text) < 300 else float(text)
