"""Reads what somebody typed after the slash command: forgiving about order, strict in meaning.

Called by the dispatcher and the terminal. Pure: the verbs, targets and environments that exist are
arguments. Each word must be exactly one kind of thing; anything else is refused with the nearest
that exists, and nothing is ever done on a guess.
"""

from bot.grammar.reader import parse, reserved
from bot.grammar.shape import Command, Misread, Need, Shape, Vocabulary

__all__ = ["Command", "Misread", "Need", "Shape", "Vocabulary", "parse", "reserved"]
