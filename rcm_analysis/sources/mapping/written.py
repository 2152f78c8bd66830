"""A proposed column map as TOML, with the reason of everything in it as a comment."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from .drafts import Proposed

ORDER = ("one_row_per", "delivery", "beside", "sheet", "date_formats", "decimal", "empty", "negate", "content_id")
OBJECTS = ("sign", "constants", "defaults", "from_name")


def map_text(name: str, parts: Sequence[Proposed]) -> str:
    """The map of these proposals; it holds headings and code words of the files, and no cell of a patient."""
    files = ", ".join(dict.fromkeys(part.file.path.name for part in parts))
    lines = [
        f"# Proposed by rcm map for {files}.",
        "# What stands behind # is why it was proposed; correct what is wrong, then rcm ingest.",
        "",
        f"name = {_quoted(name)}",
    ]
    taken: list[str] = []
    for part in parts:
        count = taken.count(part.table.name)
        taken.append(part.table.name)
        title = part.table.name + (f"_{count + 1}" if count else "")
        lines += ["", *_section(part, title)]
        if part.twin:
            part.twin.settings["beside"] = title
            lines += ["", *_section(part.twin, f"{title}_patient")]
    return "\n".join(lines) + "\n"


def _section(part: Proposed, title: str) -> list[str]:
    lines = [f"[{title}]"]
    if title != part.table.name:
        lines.append(f"table = {_quoted(part.table.name)}")
    for key in ORDER:
        if key in part.settings:
            lines.append(_line(key, _value(part.settings[key]), part.why.get(key, "")))
    for key in OBJECTS:
        pairs = part.settings.get(key)
        if isinstance(pairs, dict) and pairs:
            why = part.why.get(key) or "; ".join(f"{name}: {part.why[name]}" for name in pairs if name in part.why)
            lines.append(_line(key, _inline(pairs), why))
    take = part.settings.get("take")
    if isinstance(take, dict):
        pairs = ", ".join(f"{key} = {_value(value)}" for key, value in take.items())
        lines.append(_line("take", f"{{ {pairs} }}", part.why.get("take", "")))
    lines += ["", f"[{title}.columns]"]
    lines += [_line(name, _quoted(heading), part.why.get(name, "")) for name, heading in _ordered(part)]
    amounts = part.settings.get("amount_cents")
    if isinstance(amounts, list):
        sides = f"{{ sum = {_value(amounts[:1])}, less = {_value(amounts[1:])} }}"
        lines.append(_line("amount_cents", sides, part.why.get("amount_cents", "")))
    lines += [
        _line(name, _quoted(parts[0]) if len(parts) == 1 else f"{{ sum = {_value(parts)} }}", part.why.get(name, ""))
        for name, parts in part.sums.items()
    ]
    modifiers = part.settings.get("modifiers")
    if isinstance(modifiers, list):
        lines.append(f'modifiers = {{ join = {_value(modifiers)}, with = ":" }}')
    for name, words in part.values.items():
        lines += ["", f"[{title}.values.{name}]"]
        lines += [_line(_quoted(word), _quoted(ours), "") for word, ours in words.items()]
    if part.join:
        columns = {name: held.heading for name, held in part.join.columns.items()}
        lines += ["", f"[[{title}.join]]", f"# its key is that of {part.join.file.path.name}"]
        lines += [f"key = {_quoted(part.join.key)}", f"other = {_quoted(part.join.other)}"]
        lines.append(f"columns = {_inline(columns)}")
    unused = [held.heading for held in part.file.columns if held.heading not in part.columns.values()]
    summed = [*part.sums.values(), *(part.twin.sums.values() if part.twin else ())]
    joined = [heading for found in (amounts, modifiers, *summed) if isinstance(found, list) for heading in found]
    unused = [heading for heading in unused if heading not in joined]
    if unused:
        lines += ["", f"# Columns of the file that are not read: {', '.join(unused)}"]
    return lines


def _ordered(part: Proposed) -> list[tuple[str, str]]:
    return [(name, part.columns[name]) for name in part.table.names if name in part.columns]


def _line(key: str, value: str, why: str) -> str:
    text = f"{key} = {value}"
    return f"{text}{' ' * max(1, 44 - len(text))} # {why}" if why else text


def _value(value: object) -> str:
    return f"[{', '.join(_quoted(str(item)) for item in value)}]" if isinstance(value, list) else _quoted(str(value))


def _inline(pairs: dict[str, str]) -> str:
    return f"{{ {', '.join(f'{key} = {_quoted(value)}' for key, value in pairs.items())} }}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def shipped_maps() -> list[Path]:
    """The maps of known systems that come with the package."""
    return sorted((Path(__file__).parents[1] / "exports" / "maps").glob("*.toml"))
