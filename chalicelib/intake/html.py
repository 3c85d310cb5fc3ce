"""HTML as a person reads it, in one pass over the page.

The standard library's parser takes 41 s for 60 kB of unclosed tags (Python 3.12.1). Here no token may contain
`<`, so every character is looked at a bounded number of times, and tags are counted.
"""

import re
from html import unescape
from typing import Final

from chalicelib.patterns import pattern

TAGS_READ: Final = 300_000
TEXT_READ: Final = 1_000_000  # characters
TAG_READ: Final = 4_000  # characters of one tag in which a style is looked for
MAX_QUOTE_DEPTH: Final = 3
HIDDEN: Final = ("script", "style", "title", "noscript", "template", "svg", "object")
BLOCKS: Final = frozenset({
    "address", "article", "aside", "blockquote", "body", "br", "caption", "center", "dd", "div", "dl", "dt",
    "fieldset", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hr", "html", "li",
    "main", "nav", "nl", "ol", "option", "p", "paragraph", "pre", "section", "table", "tbody", "tfoot", "thead",
    "title", "tr", "ul",
})  # fmt: skip
# What may be hidden by its style, as newsletters hide the line that mail programs show in their lists.
STYLED: Final = frozenset({"a", "center", "div", "font", "li", "p", "section", "span", "table", "td", "tr", "ul"})
PARAGRAPHS: Final = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6"})
CELLS: Final = frozenset({"td", "th"})
_TAG = pattern(r"<(/?)([a-zA-Z][\w:-]*+)(?:[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+')*+>|<[/a-zA-Z!?][^<>]*+>")
_ELEMENT = pattern(r"</?[a-z][a-z0-9]{0,20}[\s/>]|<!", re.IGNORECASE)
# What programs that know no HTML leave in a page: an address in its brackets, which no element looks like.
_ADDRESS = pattern(r"<(?:mailto:)?[^\s<>\"'=/]{1,64}@[^\s<>\"'=/]{1,250}>")
_CLOSERS: Final = {name: pattern(rf"</{name}[\s>]", re.IGNORECASE) for name in HIDDEN}
_UNSEEN = pattern(r"\bdisplay\s{0,9}:\s{0,9}none|\bmso-hide\s{0,9}:\s{0,9}all", re.IGNORECASE)
_ENDS: Final = {name: pattern(rf"<(/?){name}(?:\s[^<>]*+)?>", re.IGNORECASE) for name in STYLED}
# Who indents his own words in Gmail gets a <blockquote> without a border, in Outlook on the web one that has no margins
# above and below and nothing else; neither quotes anybody.
_INDENTED = pattern(
    r"style\s{0,9}=(?:[^>]{0,300}\bborder\s{0,9}:\s{0,9}(?:none|0)"
    r"|[\"']\s{0,9}margin-top\s{0,9}:\s{0,9}0(?:px)?\s{0,9};\s{0,9}margin-bottom\s{0,9}:\s{0,9}0)",
    re.IGNORECASE,
)
# Outlook takes all borders away from the quotation it answers, and then draws the one on the left.
_BARRED = pattern(r"\bborder-left\s{0,9}:\s{0,9}(?!none|0)", re.IGNORECASE)
_QUOTED = pattern(r"\b(?:cite|quote)\b|_quote", re.IGNORECASE)
_BLANK_LINES = pattern(r"\n(?:[> ]*+\n){2,}")
LINK_READ: Final = 2_000  # characters of an address
_HREF = pattern(r"\shref\s{0,9}=\s{0,9}(?:\"([^\"<>]+)\"|'([^'<>]+)'|([^\s\"'<>]+))", re.IGNORECASE)
# Where people keep what is too large for a mail: its address is all that they send of it.
_KEPT_FILE = pattern(
    r"https?://(?:(?:drive|docs|photos)\.google\.com|photos\.app\.goo\.gl|drive\.proton\.me|1drv\.ms|onedrive\.live\.com"
    r"|[\w-]{1,60}\.sharepoint\.com|(?:www\.)?dropbox\.com|we\.tl|(?:[\w-]{1,60}\.)?wetransfer\.com|share\.icloud\.com"
    r"|www\.icloud\.com|disk\.yandex\.\w{2,3}|yadi\.sk|cloud\.mail\.ru|mega\.nz|u\.pcloud\.link|app\.box\.com"
    r"|[ac]\.gmx\.net|[ac]\.web\.de|magentacloud\.de|my\.hidrive\.com|fromsmash\.com|ibb\.co|prnt\.sc)/[^\s<>]",
    re.IGNORECASE,
)
_CHARSET = re.compile(rb"<meta[^<>]{0,200}charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)


class _Page:
    """Lines of text as they grow: blanks collapsed, blocks breaking lines, quotations marked with `> `."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.length = 0
        self.depth = 0  # of quotations, as far as they are marked
        self.quotations: list[bool] = []  # open <blockquote>s, and whether they quote
        self.nested = 0  # of these, how many quote
        self.kept = 0  # of elements whose blanks count
        self.fresh = True  # at the beginning of a line
        self.space = False  # a blank is due before the next word
        self.link = ""  # where the file is kept to which an open <a> leads
        self.linked = 0  # … and how many pieces stood in front of it

    def text(self, raw: str) -> None:
        """Text between two tags."""
        text = unescape(raw) if "&" in raw else raw
        if self.kept:
            self._kept(text)
            return
        words = text.split()
        self.space = self.space or text[:1].isspace()
        if words:
            self._put(" ".join(words))
            self.space = text[-1].isspace()

    def _kept(self, text: str) -> None:
        for number, line in enumerate(text.replace("\r\n", "\n").split("\n")):
            if number:
                self.line(force=True)
            if line:
                self.space = False
                self._put(line)

    def _put(self, piece: str) -> None:
        if self.fresh:
            self._add("> " * self.depth)
        elif self.space:
            self._add(" ")
        self._add(piece)
        self.fresh = self.space = False

    def _add(self, piece: str) -> None:
        self.out.append(piece)
        self.length += len(piece)

    def line(self, force: bool = False) -> None:
        """Ends the line; `force` leaves an empty one when nothing stands in it."""
        if not self.fresh:
            self._add("\n")
        elif force:
            self._add("> " * self.depth + "\n")
        self.fresh, self.space = True, False

    def link_to(self, url: str) -> None:
        """Begins the words of a link to a file."""
        self.link, self.linked = url, len(self.out)

    def linked_to(self) -> None:
        """Behind the words of a link to a file, where it is kept, unless they say so."""
        if self.link and self.link not in "".join(self.out[self.linked :]):
            space, self.space = self.space, True
            self._put(f"<{self.link}>")
            self.space = space
        self.link = ""

    def quotation(self, closing: bool, quotes: bool) -> None:
        """Begins or ends a <blockquote>, which may only indent."""
        if not closing:
            self.quotations.append(quotes)
            self.nested += quotes
        elif self.quotations:
            self.nested -= self.quotations.pop()
        self.depth = min(MAX_QUOTE_DEPTH, self.nested)

    def tag(self, name: str, closing: bool) -> None:
        """What an element does to the lines."""
        if name in BLOCKS:
            self.line(force=name == "br")
            if closing and name in PARAGRAPHS:
                self.line(force=True)
        elif name in CELLS:
            self.space = True
        if name == "pre":
            self.kept = max(0, self.kept - 1) if closing else self.kept + 1
        elif name == "hr":
            self._put("-" * 8)
            self.line()


class _Skipper:
    """Where what nobody sees ends. A missing end is looked for but once, so that pages stay linear."""

    def __init__(self, page: str) -> None:
        self.page = page
        self.endless: set[str] = set()
        self.unending: set[str] = set()

    def comment(self, start: int) -> int:
        """Past the comment at `start`; an unclosed one hides only its own mark."""
        end = -1 if "--" in self.endless else self.page.find("-->", start + 2)
        if end < 0:
            self.endless.add("--")
            return start + 4
        return end + 3

    def hidden(self, name: str, at: int) -> int:
        """The closing tag of a hidden element; an unclosed one hides nothing."""
        found = None if name in self.endless else _CLOSERS[name].search(self.page, at)
        if found is None:
            self.endless.add(name)
            return at
        return found.start()

    def unseen(self, name: str, at: int) -> int:
        """Past the end of an element that its style hides; one without end is shown."""
        depth = 1
        for found in () if name in self.unending else _ENDS[name].finditer(self.page, at):
            depth += -1 if found[1] else 1
            if not depth:
                return found.end()
        self.unending.add(name)
        return at


def to_text(page: str, most_tags: int = TAGS_READ) -> tuple[str, int]:
    """Readable text of a page, and how many tags were read; below `most_tags` when the page was read to its end.

    Scripts, styles and what is not displayed are dropped, quotations marked with `> `. Linear in the length of the
    page; stops after a million characters of text.
    """
    out, skip, at, tags = _Page(), _Skipper(page), 0, 0
    while (start := page.find("<", at)) >= 0 and tags < most_tags and out.length < TEXT_READ:
        tags += 1
        out.text(page[at:start])
        if page.startswith("<!--", start):
            at = skip.comment(start)
        elif tag := _TAG.match(page, start):
            at = tag.end()
            name, closing, said = (tag[2] or "").lower(), tag[1] == "/", tag[0][:TAG_READ]
            if "@" in said and _ADDRESS.fullmatch(said):
                out.text(said)
                continue
            if name == "a":
                out.linked_to() if closing else out.link_to(_kept_file(said))
            out.tag(name, closing)
            if name == "blockquote":
                indented = _INDENTED.search(said) and not _BARRED.search(said)
                out.quotation(closing, not indented or bool(_QUOTED.search(said)))
            if name in _CLOSERS and not closing and not tag[0].endswith("/>"):
                at = skip.hidden(name, at)
            elif name in STYLED and not closing and ":" in said and _UNSEEN.search(said):
                at = skip.unseen(name, at)
        else:
            out.text("<")
            at = start + 1
    if start < 0:
        out.text(page[at:])
    return _BLANK_LINES.sub("\n\n", "".join(out.out)).strip(), tags


def is_marked_up(page: str) -> bool:
    """Whether there is any element in a page: where there is none, its lines are the sender's."""
    return bool(_ELEMENT.search(page))


def _kept_file(tag: str) -> str:
    """Where the file is kept to which an <a> leads, '' when it leads elsewhere."""
    found = _HREF.search(tag)
    url = "".join(unescape(found[1] or found[2] or found[3])[:LINK_READ].split()) if found else ""
    return url if _KEPT_FILE.match(url) else ""


def charset_of(data: bytes) -> str:
    """The charset a page names in its own head, '' when none."""
    found = _CHARSET.search(data, 0, 4096)
    return found[1].decode("ascii", "ignore") if found else ""
