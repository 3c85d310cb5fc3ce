"""HTML as a person reads it, in one pass over the page.

The standard library's parser takes 41 s for 60 kB of unclosed tags (Python 3.12.1). Here no token may contain `<`, so
every character is looked at a bounded number of times.
"""

import re
from html import unescape
from typing import Final

HTML_READ: Final = 4_000_000  # characters
MAX_QUOTE_DEPTH: Final = 3
HIDDEN: Final = ("script", "style", "title", "noscript", "template", "svg", "object")
BLOCKS: Final = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "br",
        "caption",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "head",
        "header",
        "hr",
        "html",
        "li",
        "main",
        "nav",
        "nl",
        "ol",
        "option",
        "p",
        "paragraph",
        "pre",
        "section",
        "table",
        "tbody",
        "tfoot",
        "thead",
        "title",
        "tr",
        "ul",
    ]
)
PARAGRAPHS: Final = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6"))
CELLS: Final = frozenset(("td", "th"))
_TAG = re.compile(r"<(/?)([a-zA-Z][\w:-]*+)((?:[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+')*+)/?>|<[/a-zA-Z!?][^<>]*+>")
_SPACE = re.compile(r"[ \t\r\n\f]+")
_BLANK_LINES = re.compile(r"\n(?:[> ]*\n){2,}")
_CHARSET = re.compile(rb"<meta[^<>]{0,200}charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)


class _Page:
    """Lines of text as they grow: white space collapsed, block elements breaking lines, quotations marked with `> `."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.depth = 0
        self.kept = 0  # depth of <pre>
        self.fresh = True  # at the beginning of a line
        self.space = False

    def text(self, raw: str) -> None:
        text = unescape(raw) if "&" in raw else raw
        if self.kept:
            self._kept(text)
            return
        for number, piece in enumerate(_SPACE.split(text)):
            self.space = self.space or number > 0
            if piece:
                self._put(piece)

    def _put(self, piece: str) -> None:
        if self.fresh:
            self.out.append("> " * self.depth)
        elif self.space:
            self.out.append(" ")
        self.out.append(piece)
        self.fresh = self.space = False

    def _kept(self, text: str) -> None:
        for number, line in enumerate(text.replace("\r\n", "\n").split("\n")):
            if number:
                self.out.append("\n")
                self.fresh = True
            if line:
                self.space = False
                self._put(line)

    def line(self, force: bool = False) -> None:
        if force or not self.fresh:
            self.out.append("\n" if not (force and self.fresh) else "> " * self.depth + "\n")
        self.fresh, self.space = True, False

    def tag(self, name: str, closing: bool) -> None:
        if name in BLOCKS:
            self.line(force=name == "br" or (closing and name in PARAGRAPHS))
        elif name in CELLS:
            self.space = True
        if name == "blockquote":
            self.depth = max(0, self.depth - 1) if closing else min(MAX_QUOTE_DEPTH, self.depth + 1)
        elif name == "pre":
            self.kept = max(0, self.kept - 1) if closing else self.kept + 1
        elif name == "hr":
            self.text("-" * 8)
            self.line()


def to_text(page: str) -> str:
    """Readable text of a page: scripts and styles dropped, quotations marked with `> `; linear in its length."""
    page = page[:HTML_READ]
    out, at = _Page(), 0
    closers: dict[str, re.Pattern[str] | None] = {}
    while (start := page.find("<", at)) >= 0:
        out.text(page[at:start])
        tag = _TAG.match(page, start)
        if page.startswith("<!--", start):
            at = _after_comment(page, start, closers)
        elif tag is None:
            out.text("<")
            at = start + 1
        else:
            at = tag.end()
            name, closing = (tag[2] or "").lower(), tag[1] == "/"
            out.tag(name, closing)
            if name in HIDDEN and not closing and not tag[0].endswith("/>"):
                at = _after_hidden(page, at, name, closers)
    out.text(page[at:])
    return _BLANK_LINES.sub("\n\n", "".join(out.out)).strip()


def _after_comment(page: str, start: int, closers: dict[str, re.Pattern[str] | None]) -> int:
    """Past a comment; an unclosed one hides only itself, and is looked for but once."""
    end = page.find("-->", start + 2) if closers.get("--", _CLOSERS["script"]) else -1
    if end < 0:
        closers["--"] = None
        return start + 4
    return end + 3


_CLOSERS: Final = {name: re.compile(rf"</{name}[\s>]", re.IGNORECASE) for name in HIDDEN}


def _after_hidden(page: str, at: int, name: str, closers: dict[str, re.Pattern[str] | None]) -> int:
    """Where a hidden element closes; an unclosed one hides nothing, and is looked for but once."""
    closer = closers.get(name, _CLOSERS[name])
    found = closer.search(page, at) if closer else None
    if found is None:
        closers[name] = None
        return at
    return found.start()


def charset_of(data: bytes) -> str:
    """The charset a page names in its own head, '' when none."""
    found = _CHARSET.search(data, 0, 4096)
    return found[1].decode("ascii") if found else ""
