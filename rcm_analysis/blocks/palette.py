"""The colours of every page, figure and notebook output: light and dark, the same names with the same meaning.

Blue means better and burnt orange means worse, because these two stay apart for every common kind of
colour blindness; on a grey printer the arrow and the word beside them carry the meaning.
"""

from __future__ import annotations

from collections.abc import Mapping

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
    "strong": "#14425f",
    "medium": "#39719a",
    "light": "#8fb4cd",
    "pale": "#cfe0ec",
}
DARK = {
    "ink": "#e6ebf0",
    "mute": "#a6b3bf",
    "line": "#3a4855",
    "tint": "#1c262f",
    "brand": "#93c7e8",
    "brand_tint": "#1a2e3c",
    "link": "#82c4f2",
    "good": "#70c3ec",
    "good_tint": "#12303f",
    "bad": "#f5a56f",
    "bad_tint": "#38230f",
    "paper": "#12181e",
    "strong": "#93c7e8",
    "medium": "#6ba3cc",
    "light": "#477693",
    "pale": "#2c475a",
}
"""The palette of a screen that is set to dark: the same names, the same meaning."""

DARK_THEMES = (
    '[data-jp-theme-light="false"]',
    ".vscode-dark",
    ".vscode-high-contrast:not(.vscode-high-contrast-light)",
)
"""How JupyterLab, Jupyter Notebook and VS Code say that their theme is dark."""


def variables(colours: Mapping[str, str]) -> str:
    """Colours as CSS variables.

    >>> variables({"brand_tint": "#e8eff4"})
    '--brand-tint:#e8eff4;'
    """
    return "".join(f"--{name.replace('_', '-')}:{colour};" for name, colour in colours.items())
