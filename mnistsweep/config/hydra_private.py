"""What this project uses of Hydra's private modules; checked against Hydra 1.3.

Hydra's public parser raises an error without its position, and `HydraContext`, which plugins receive, requires a class
of a private module. All other modules use Hydra's public API only. `tests/config/test_syntax.py` fails when a version
of Hydra no longer has the parser.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from antlr4 import CommonTokenStream, InputStream  # type: ignore[import-untyped]  # the parser generator of Hydra
from antlr4.error.ErrorListener import ErrorListener  # type: ignore[import-untyped]
from hydra.core.config_loader import ConfigLoader
from hydra.grammar.gen.OverrideLexer import OverrideLexer
from hydra.grammar.gen.OverrideParser import OverrideParser
from hydra.types import HydraContext
from omegaconf import DictConfig

_OPENING = (OverrideLexer.POPEN, OverrideLexer.BRACKET_OPEN, OverrideLexer.BRACE_OPEN)
_CLOSING = (OverrideLexer.PCLOSE, OverrideLexer.BRACKET_CLOSE, OverrideLexer.BRACE_CLOSE)


@dataclass(frozen=True)
class Token:
    """A comma or a bracket outside of quotes.

    Attributes:
        start: Position of its first character; spaces around it are part of it.
        end: Position after its last character.
        depth: 1 for an opening bracket, -1 for a closing one, 0 for a comma.
        text: The comma or bracket.
    """

    start: int
    end: int
    depth: int
    text: str


@dataclass(frozen=True)
class SyntaxFault:
    """The first place at which a text does not follow Hydra's grammar.

    Attributes:
        position: Position of the first wrong character; the length of the text if something is missing at its end.
        is_unknown: Whether no part of the grammar begins with the characters at the position.
        tokens: Commas and brackets of the value, in order.
    """

    position: int
    is_unknown: bool
    tokens: tuple[Token, ...]


class _FirstError(ErrorListener):  # type: ignore[misc]
    """Keeps the position of the first error of the lexer and the parser."""

    def __init__(self) -> None:
        self.position: int | None = None
        self.is_unknown = False

    def syntaxError(  # name of ANTLR
        self, recognizer: Any, symbol: Any, line: int, column: int, message: str, error: Any
    ) -> None:
        if self.position is None:
            self.position = error.startIndex if symbol is None else symbol.start
            self.is_unknown = symbol is None


def hydra_context(loader: ConfigLoader, config: DictConfig | None = None) -> HydraContext:
    """What Hydra passes to its plugins.

    Args:
        loader: Hydra's loader of configurations.
        config: Configuration with the callbacks (``hydra.callbacks``); None for no callbacks.
    """
    from hydra._internal.callbacks import Callbacks

    return HydraContext(config_loader=loader, callbacks=Callbacks(config))


def find_syntax_fault(text: str) -> SyntaxFault | None:
    """Find the first place at which an override does not follow Hydra's grammar.

    Args:
        text: Override as typed.

    Returns:
        The place; None if the grammar allows the text.
    """
    listener = _FirstError()
    stream = CommonTokenStream(_with_listener(OverrideLexer(InputStream(text)), listener))
    _with_listener(OverrideParser(stream), listener).override()
    if listener.position is None:
        return None
    position = min(listener.position, len(text))
    return SyntaxFault(position, listener.is_unknown, tuple(_tokens(stream)))


def _with_listener(recognizer: Any, listener: ErrorListener) -> Any:
    recognizer.removeErrorListeners()
    recognizer.addErrorListener(listener)
    return recognizer


def _tokens(stream: Any) -> Iterator[Token]:
    stream.fill()
    for token in stream.tokens:
        depth = (token.type in _OPENING) - (token.type in _CLOSING)
        if depth or token.type == OverrideLexer.COMMA:
            yield Token(token.start, token.stop + 1, depth, token.text.strip())
