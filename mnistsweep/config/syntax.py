"""Syntax errors of overrides in this project's words: where the error is, what to quote, and how.

Two languages quote differently: Hydra's grammar (``name="a,b"``), and around it the shell (``'name="a,b"'``) or YAML
(``name: '"a,b"'``).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass

import yaml
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.errors import HydraException

from mnistsweep.config.hydra_private import SyntaxFault, Token, find_syntax_fault
from mnistsweep.errors import suggest
from mnistsweep.printable import printable
from mnistsweep.redaction import mask_argument

# Number of characters of a long text that a message shows before and after the position.
EXCERPT_LENGTH = 40

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

# Errors of Hydra's parser: ValueError for a whole number of thousands of digits, RecursionError for thousands of
# brackets.
PARSER_ERRORS = (HydraException, ValueError, OverflowError, RecursionError)

_TYPOGRAPHIC = "\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}\N{DOUBLE LOW-9 QUOTATION MARK}" + (
    "\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}\N{SINGLE LOW-9 QUOTATION MARK}\u00ab\u00bb"
)

# How the functions of the grammar are written.
_FUNCTIONS = {
    "choice": "choice(A,B,...) with values that are no ranges",
    "range": "range(STOP), range(START,STOP) or range(START,STOP,STEP) with numbers",
    "interval": "interval(LOW,HIGH) with two numbers",
    "tag": "tag(log,interval(LOW,HIGH))",
    "int": "int(interval(LOW,HIGH)) with finite numbers",
    "float": "float(range(START,STOP)) with numbers",
    "str": "str(A)",
    "bool": "bool(A)",
    "glob": "glob(PATTERN)",
    "sort": "sort(A,B,...)",
    "shuffle": "shuffle(A,B,...)",
}

_EVALUATION = re.compile(r"(?P<error>\w+) while evaluating '(?P<call>(?P<name>[\w-]+)\(.*)'(: .*)?$", re.DOTALL)

FORMS = (
    "an override is key=value, and a range is key=a,b, key=range(1,6), key=interval(0,0.6), key=int(interval(1,5)) or "
    "key=tag(log,interval(1e-4,1e-1))"
)


@dataclass(frozen=True)
class Place:
    """Where an override was written, and how values are quoted there.

    Attributes:
        name: Text that is added to messages.
        quoted: Function from a key and a value in Hydra's grammar to what the user writes in this place.
    """

    name: str
    quoted: Callable[[str, str], str]


COMMAND_LINE = Place("", lambda key, value: f"{key}={value} (in a shell: {shlex.quote(f'{key}={value}')})")
PARAMS = Place(" (in hydra.sweeper.params)", lambda key, value: f"{key}: {_in_yaml(value)}")


def describe_syntax_error(text: str, error: Exception, place: Place = COMMAND_LINE) -> str:
    """Describe why Hydra's parser refuses an override, in one line.

    Args:
        text: Override as typed.
        error: Error of Hydra's parser.
        place: Where the override was written.
    """
    fault = None if isinstance(error, RecursionError) else find_syntax_fault(text)
    shown = mask_argument(text)
    if fault is None:
        return _of_evaluation(shown, error).removesuffix(".") + f"{place.name}."
    equals = text.find("=")
    in_key = equals < 0 or fault.position <= equals
    if shown != text:  # the place of the error may be inside the secret
        rule = "an override is key=value" if in_key else "the value cannot be parsed"
        return f"{_key(text)}: {rule}; received {shown!r}; put the value after '=', in quotes{place.name}."
    rule, fix = _of_key(text, fault) if in_key else _of_value(text, fault, place)
    if printable(fix) != fix or len(fix.splitlines()) > 1:  # what is shown could not be typed
        fix = "remove the control characters and line breaks, or write the value in a file"
    return f"{_key(text)}: {rule}; received {_excerpt(text, fault.position)}; {fix}{place.name}."


def _key(text: str) -> str:
    key = re.split(r"[=:\s]", text.lstrip("+~-"), maxsplit=1)[0]
    return key or "override"


def _excerpt(text: str, position: int) -> str:
    """The text around a position, and the position counted from 1."""
    low, high = max(0, position - EXCERPT_LENGTH), position + EXCERPT_LENGTH
    part = (ELLIPSIS if low else "") + text[low:high] + (ELLIPSIS if high < len(text) else "")
    where = "at its end" if position >= len(text) else f"at character {position + 1}, {text[position]!r}"
    return f"{part!r} ({where})"


def _of_key(text: str, fault: SyntaxFault) -> tuple[str, str]:
    """Rule and remedy for an error before the value."""
    found = text[fault.position : fault.position + 1]
    mark = next((letter for letter in text if letter in "=:"), "")
    key, _, value = (part.strip() for part in (text.partition(mark) if mark else (text, "", "")))
    if found.isspace() and mark and " " not in key:
        return "there are no spaces around '='", f"write {key}={value}"
    if mark == ":" and "=" not in text:
        return "'=' is between a key and its value", f"write {key}={value}"
    if text.startswith("-"):
        return "an override has no leading dashes", f"write {text.lstrip('-')}"
    if fault.position >= len(text):
        return "an override is key=value", f"write {key or 'key'}=VALUE"
    return "a key has letters, digits, '_', '-' and '$', with dots between its parts", "correct the key"


def _of_value(text: str, fault: SyntaxFault, place: Place) -> tuple[str, str]:
    """Rule and remedy for an error in the value."""
    found, before = text[fault.position : fault.position + 1], text[: fault.position].rstrip()
    known = _of_characters(text, fault) or _of_commas(found, before) or _of_brackets(text, fault)
    if known is not None:
        return known
    rule = f"a value that contains {found!r} is quoted"
    if found in _TYPOGRAPHIC:
        rule = "a typographic quote is no quote"
    elif before.endswith(("'", '"')):
        rule = "a quoted value ends at its closing quote"
    return rule, f"write {_quoted_element(text, fault, place)}"


def _of_characters(text: str, fault: SyntaxFault) -> tuple[str, str] | None:
    """Rule and remedy for a quote that is not closed, and for an invisible character."""
    found = text[fault.position : fault.position + 1]
    if found in ("'", '"') and fault.is_unknown and not _element(text, fault)[2].strip():
        return f"the quote {found} is not closed", f"add {found} at the end of the value"
    if not found.isprintable() and found != "\t":
        return "a value on one line has visible characters only", "remove the character, or write the value in a file"
    return None


def _of_commas(found: str, before: str) -> tuple[str, str] | None:
    """Rule and remedy for a comma without a value beside it."""
    if found.strip() == "," or (not found and before.endswith(",")):
        return "a comma stands between two values", 'remove the comma, or write "" for an empty text'
    return None


def _of_brackets(text: str, fault: SyntaxFault) -> tuple[str, str] | None:
    """Rule and remedy for brackets without a partner; None where all brackets have one."""
    closing = {"(": ")", "[": "]", "{": "}"}
    opened: list[Token] = []
    for token in fault.tokens:
        if token.depth > 0:
            opened.append(token)
        elif token.depth < 0 and not (opened and closing[opened.pop().text] == token.text):
            return f"{token.text!r} closes no bracket", "remove it, or put the value in quotes"
    if opened and fault.position >= len(text):
        missing = repr("".join(closing[token.text] for token in reversed(opened)))
        missing = missing if len(opened) <= EXCERPT_LENGTH else f"{len(opened)} closing brackets"
        at = opened[-1].start + 1
        return f"{opened[-1].text!r} at character {at} is not closed", f"add {missing}"
    if text[fault.position : fault.position + 1] == "}":
        return "braces contain keys with values, {key:value}", "add a value, or put the braces in quotes"
    if text[: fault.position + 1].endswith("${"):
        return "'${' begins a reference to another key, ${key}", "add '}'"
    return None


def _element(text: str, fault: SyntaxFault) -> tuple[int, int, str]:
    """Start and end of the list element at the position of an error, and the part of it before the position."""
    start, end, depth = text.find("=") + 1, len(text), 0
    for token in reversed([token for token in fault.tokens if token.end <= fault.position]):
        depth -= token.depth
        if depth < 0 or (depth == 0 and token.depth == 0):
            start = token.end
            break
    depth = 0
    for token in (token for token in fault.tokens if token.start >= fault.position):
        depth += token.depth
        if depth < 0 or (depth == 0 and token.depth == 0):
            end = token.start
            break
    colon = text.rfind(":", start, fault.position)
    if colon >= 0 and any(token.text == "{" and token.end <= start for token in fault.tokens):
        start = colon + 1
    return start, end, text[start : fault.position]


def _quoted_element(text: str, fault: SyntaxFault, place: Place) -> str:
    """The whole override with the element at the position in quotes."""
    start, end, _ = _element(text, fault)
    plain = text[start:end].strip()
    for quote in ("'", '"', *_TYPOGRAPHIC):
        plain = plain.strip(quote) if plain.startswith(quote) or quote in _TYPOGRAPHIC else plain
    element = QuotedString(plain, Quote.double).with_quotes()
    key, _, value = (text[:start] + element + text[end:]).partition("=")
    if len(value) > 2 * EXCERPT_LENGTH:
        return f"{element} in place of {text[start:end].strip()}"
    return place.quoted(key, value)


def _of_evaluation(shown: str, error: Exception) -> str:
    """Message for a function of the grammar with wrong arguments, or a number that is too long."""
    key = _key(shown)
    if isinstance(error, RecursionError):
        return f"{key}: brackets are nested too deeply; received {_short(shown)}; use fewer levels."
    if isinstance(error, ValueError) and "digits" in str(error):
        return f"{key}: a whole number has at most 16 digits; received {_short(shown)}; shorten it."
    found = _EVALUATION.match(str(error).strip())
    if found is None:
        return f"{key}: {str(error).splitlines()[0].rstrip('.')}; received {_short(shown)}; {FORMS}."
    name = found["name"]
    if name not in _FUNCTIONS:
        hint = suggest(name, _FUNCTIONS)
        return f"{key}: there is no function {name!r}; received {_short(shown)}; {hint}; a text is put in quotes."
    return f"{key}: the arguments do not fit {name}; received {_short(shown)}; write {_FUNCTIONS[name]}."


def _short(text: str) -> str:
    return repr(text if len(text) <= 2 * EXCERPT_LENGTH else text[: 2 * EXCERPT_LENGTH] + ELLIPSIS)


def _in_yaml(value: str) -> str:
    return str(yaml.safe_dump(value, allow_unicode=True, width=10**6)).removesuffix("\n").removesuffix("\n...")
