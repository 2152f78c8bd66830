"""The one palette: read by the HTML page as CSS variables and by the PDF template through its JSON.

Blue means better and burnt orange means worse, because these two stay apart for every common kind of
colour blindness; on a grey printer the arrow and the word beside them carry the meaning.
"""

from __future__ import annotations

PALETTE = {
    "ink": "#1a2733",
    "mute": "#55616e",
    "line": "#d3dae1",
    "tint": "#f3f6f8",
    "brand": "#14425f",
    "brand_tint": "#e8eff4",
    "link": "#0b5c93",
    "good": "#0b648f",
    "good_tint": "#e6f1f7",
    "bad": "#a8460a",
    "bad_tint": "#fcefe4",
    "paper": "#ffffff",
}

STATUS_WORDS = {"good": "on target", "bad": "off target", "neutral": "", "empty": "no data"}
STATUS_MARKS = {"good": "✓", "bad": "!", "neutral": "", "empty": "–"}
DIRECTION_MARKS = {"up": "▲", "down": "▼", "flat": "■"}
DIRECTION_WORDS = {"up": "up", "down": "down", "flat": "unchanged"}
SEVERITY_WORDS = {"high": "High", "medium": "Medium", "low": "Low"}
SEVERITY_COLOURS = {"high": "bad", "medium": "brand", "low": "mute"}


def css_variables() -> str:
    """The palette as one CSS rule.

    >>> css_variables().startswith(":root{--ink:#1a2733;")
    True
    """
    return ":root{" + "".join(f"--{name.replace('_', '-')}:{colour};" for name, colour in PALETTE.items()) + "}"
