"""What every Jupyter of this installation is told: its file browser does not show the key of a workspace."""

from __future__ import annotations

from typing import Any

KEY = "pseudonym.key"


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: Any) -> None:
    server.contents_manager.hide_globs = [*server.contents_manager.hide_globs, KEY]
