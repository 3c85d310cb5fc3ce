"""HTML that cannot be broken by what stands in it: text is escaped where it enters."""

import html
import re
from collections.abc import Sequence
from typing import Final

#: What XML cannot hold (https://www.w3.org/TR/xml/#charsets): shown as a replacement character.
_IMPOSSIBLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_EMPTY: Final = frozenset({"meta", "path", "line", "circle", "rect", "polygon", "polyline"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(name: str, /, *content: str, **attributes: str | float) -> Markup:
    """An element around this content; `class_` is the attribute `class`, `aria_label` is `aria-label`."""
    given = "".join(f' {_name(key)}="{text(str(value))}"' for key, value in attributes.items())
    if name in _EMPTY and not content:
        return Markup(f"<{name}{given}/>")
    return Markup(f"<{name}{given}>{joined(*content)}</{name}>")


def joined(*content: str) -> Markup:
    """The pieces side by side."""
    return Markup("".join(piece if isinstance(piece, Markup) else text(piece) for piece in content))


def text(plain: str) -> Markup:
    """The text, escaped for content and quoted attributes."""
    return Markup(html.escape(_IMPOSSIBLE.sub("\ufffd", plain)))


def table(
    caption: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]], note: str = "", kind: str = ""
) -> Markup:
    """A table whose first column names its rows; it scrolls by keyboard where it is wider than the page.

    A cell that is markup is a whole `td`.
    """
    top = element("tr", *(element("th", column, scope="col") for column in head))
    body = [
        element(
            "tr",
            element("th", row[0], scope="row"),
            *(cell if isinstance(cell, Markup) else element("td", cell) for cell in row[1:]),
        )
        for row in rows
    ]
    whole = element(
        "table",
        element("caption", caption, *([Markup("<br/>"), element("small", note)] if note else [])),
        element("thead", top),
        element("tbody", *body),
    )
    return element("div", whole, class_=f"scroll {kind}".strip(), tabindex="0", role="region", aria_label=caption)


def _name(key: str) -> str:
    return key.removesuffix("_").replace("_", "-")
