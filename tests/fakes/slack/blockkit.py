"""What Slack says about blocks: kinds, keys and limits. The sentences it refuses with are ours.

Called by the Web API's methods. Limits are those of Slack's Block Kit reference; the sum over a
whole message is what `msg_blocks_too_long` has been seen at.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

MOST_BLOCKS = 50
MOST_CHARACTERS = 13_200
LONGEST_TEXT = 40_000
TextLimits = tuple[int, int]


class BlockError(Exception):
    """What Slack would answer `invalid_blocks` (or another code) to."""

    def __init__(self, sentence: str, code: str = "invalid_blocks") -> None:
        super().__init__(sentence)
        self.code = code


def check_message(text: object, blocks: object) -> None:
    """Raises BlockError unless Slack would take the message."""
    if text is not None and not isinstance(text, str):
        raise BlockError("text is not a string", "invalid_arguments")
    if not text and not blocks:
        raise BlockError("neither text nor blocks", "no_text")
    if text and len(text) > LONGEST_TEXT:
        raise BlockError("text is too long", "msg_too_long")
    if blocks is None:
        return
    if not isinstance(blocks, list) or len(blocks) > MOST_BLOCKS:
        raise BlockError(f"blocks must be a list of at most {MOST_BLOCKS}")
    ids: set[str] = set()
    for number, block in enumerate(blocks):
        _block(block, f"blocks[{number}]", ids)
    if _characters(blocks) > MOST_CHARACTERS:
        raise BlockError("the blocks hold too much text", "msg_blocks_too_long")


def _block(block: Any, where: str, ids: set[str]) -> None:
    if not isinstance(block, dict) or block.get("type") not in _BLOCKS:
        raise BlockError(f"{where}: unknown type")
    own = block.get("block_id")
    if own is not None:
        _string(own, f"{where}.block_id", 255)
        if own in ids:
            raise BlockError(f"{where}.block_id: used twice")
        ids.add(own)
    _BLOCKS[block["type"]](block, where)


def _header(block: Any, where: str) -> None:
    _keys(block, where, {"text"})
    _text(block["text"], f"{where}.text", 150, kinds={"plain_text"})


def _section(block: Any, where: str) -> None:
    _keys(block, where, set(), {"text", "fields", "accessory", "expand"})
    if "text" not in block and "fields" not in block:
        raise BlockError(f"{where}: needs text or fields")
    if "text" in block:
        _text(block["text"], f"{where}.text", 3000)
    for field in _elements(block.get("fields", []), f"{where}.fields", 10):
        _text(field, f"{where}.fields", 2000)
    if "accessory" in block:
        _button(block["accessory"], f"{where}.accessory", set())


def _context(block: Any, where: str) -> None:
    _keys(block, where, {"elements"})
    elements = _elements(block["elements"], f"{where}.elements", 10)
    if not elements:
        raise BlockError(f"{where}.elements: empty")
    for element in elements:
        _text(element, f"{where}.elements", 3000)


def _actions(block: Any, where: str) -> None:
    _keys(block, where, {"elements"})
    elements = _elements(block["elements"], f"{where}.elements", 25)
    if not elements:
        raise BlockError(f"{where}.elements: empty")
    ids: set[str] = set()
    for element in elements:
        _button(element, f"{where}.elements", ids)


def _divider(block: Any, where: str) -> None:
    _keys(block, where, set())


_BLOCKS: dict[str, Callable[[Any, str], None]] = {
    "header": _header,
    "section": _section,
    "context": _context,
    "actions": _actions,
    "divider": _divider,
}


def _button(element: Any, where: str, ids: set[str]) -> None:
    if not isinstance(element, dict) or element.get("type") != "button":
        raise BlockError(f"{where}: only buttons are known here")
    optional = {"action_id", "url", "value", "style", "confirm", "accessibility_label"}
    _keys(element, where, {"text"}, optional)
    _text(element["text"], f"{where}.text", 75, kinds={"plain_text"})
    for key, limit in (("action_id", 255), ("url", 3000), ("value", 2000)):
        if key in element:
            _string(element[key], f"{where}.{key}", limit)
    if element.get("style", "primary") not in {"primary", "danger"}:
        raise BlockError(f"{where}.style: unknown")
    if "action_id" in element:
        if element["action_id"] in ids:
            raise BlockError(f"{where}.action_id: used twice")
        ids.add(element["action_id"])
    if "confirm" in element:
        _confirm(element["confirm"], f"{where}.confirm")


def _confirm(value: Any, where: str) -> None:
    if not isinstance(value, dict) or set(value) - {"title", "text", "confirm", "deny", "style"}:
        raise BlockError(f"{where}: unknown key")
    for key, limit in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
        if key not in value:
            raise BlockError(f"{where}.{key}: missing")
        _text(value[key], f"{where}.{key}", limit)


def _text(value: Any, where: str, limit: int, kinds: Collection[str] = ()) -> None:
    allowed = kinds or {"plain_text", "mrkdwn"}
    if not isinstance(value, dict) or value.get("type") not in allowed:
        raise BlockError(f"{where}: must be {' or '.join(sorted(allowed))}")
    extra = {"emoji"} if value["type"] == "plain_text" else {"verbatim"}
    if set(value) - {"type", "text"} - extra:
        raise BlockError(f"{where}: unknown key")
    _string(value.get("text"), f"{where}.text", limit)


def _string(value: Any, where: str, limit: int) -> None:
    if not isinstance(value, str) or not 1 <= len(value) <= limit:
        raise BlockError(f"{where}: must have 1 to {limit} characters")


def _keys(block: Any, where: str, needed: set[str], optional: Collection[str] = ()) -> None:
    missing = needed - set(block)
    unknown = set(block) - needed - set(optional) - {"type", "block_id"}
    if missing or unknown:
        raise BlockError(f"{where}: missing {sorted(missing)}, unknown {sorted(unknown)}")


def _elements(value: Any, where: str, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise BlockError(f"{where}: must be a list of at most {most}")
    return value


def _characters(value: Any) -> int:
    """Every text of the message together."""
    if isinstance(value, dict):
        own = len(value["text"]) if isinstance(value.get("text"), str) else 0
        return own + sum(_characters(item) for item in value.values() if not isinstance(item, str))
    return sum(_characters(item) for item in value) if isinstance(value, list) else 0
