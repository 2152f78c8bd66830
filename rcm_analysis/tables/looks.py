"""How a firm's documents look and what a client gets of them: `[firm.packet]`, and `[clients.X.packet]` beside it.

name        the firm's name on the document, where it is another than [firm] name
logo        a PNG or SVG file, named from the registry's folder
color       of band, headings and lines, as "#14425f"
disclaimer  a sentence or two at the end of each document
leave_out   titles of sections, and of whole reports, that the client does not get
encrypt     true: copies under a password (AES-256) beside the packet, for mail
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, StrictBool

from ..blocks.vocabulary import Brand
from ..errors import ClientError
from .checking import KNOWN_KEYS, says

LARGEST_LOGO = 512 * 1024
LONGEST_DISCLAIMER = 600
PNG = b"\x89PNG\r\n\x1a\n"

Color = Annotated[
    str,
    Field(pattern=r"^#[0-9a-f]{6}$"),
    BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value),
    says('a color of six hexadecimal digits such as "#14425f"'),
]


@dataclass(frozen=True)
class Look:
    """What a registry says of its documents; None is not said."""

    __pydantic_config__ = KNOWN_KEYS
    name: str | None = None
    logo: str | None = None
    color: Color | None = None
    disclaimer: Annotated[str, Field(max_length=LONGEST_DISCLAIMER), says("at most 600 characters")] | None = None
    leave_out: tuple[str, ...] | None = None
    encrypt: StrictBool | None = None

    def over(self, other: Look) -> Look:
        """This look, and the other where this one says nothing.

        >>> Look(color="#14425f").over(Look(name="Harbor", color="#000000"))
        Look(name='Harbor', logo=None, color='#14425f', disclaimer=None, leave_out=None, encrypt=None)
        """
        said = {item.name: getattr(self, item.name) for item in fields(self)}
        return replace(other, **{name: value for name, value in said.items() if value is not None})


def brand_of(look: Look, folder: Path) -> Brand:
    """Color, logo and disclaimer of a look, its logo read from the registry's folder.

    Raises
        ClientError for a logo that is not there, lies outside the folder, is no PNG or SVG, or is too large.
    """
    brand = Brand(color=look.color or "", disclaimer=look.disclaimer or "")
    if not look.logo:
        return brand
    path = (folder / look.logo).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise ClientError(f"The logo {look.logo!r} of the registry should be a file beside it, and there is none.")
    data = path.read_bytes()
    is_svg, is_png = path.suffix.lower() == ".svg" and b"<svg" in data[:2_000], data.startswith(PNG)
    if len(data) > LARGEST_LOGO or not (is_svg or is_png):
        kind = "an SVG" if is_svg else "a PNG" if is_png else "neither"
        raise ClientError(
            f"The logo {look.logo!r} of the registry should be a PNG or SVG file of at most {LARGEST_LOGO // 1024} KB; "
            f"found {kind}, of {len(data) / 1024:,.0f} KB."
        )
    mime = "image/svg+xml" if is_svg else "image/png"
    return replace(brand, logo=base64.b64encode(data).decode(), mime=mime)
