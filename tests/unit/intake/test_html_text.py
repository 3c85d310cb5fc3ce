"""HTML as a person reads it."""

import pytest

from chalicelib.intake.html import charset_of, to_text


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("One<br>Two<br/>Three", "One\nTwo\nThree"),
        ("<div>One</div><div>Two</div>", "One\nTwo"),
        ("<ul><li>One<li>Two</ul>", "One\nTwo"),
        ("<table><tr><td>One</td><td>Two</td></tr><tr><td>Three</td></tr></table>", "One Two\nThree"),
        ("<b>bo</b>ld", "bold"),
        ("a <b> spaced </b> text", "a spaced text"),
        ("&lt;Za&#380;&oacute;&#322;&#x107;&gt;&nbsp;&amp;", "<Zażółć> &"),
        ("<script>no()</script><style>no{}</style><title>no</title>yes", "yes"),
        ("<SCRIPT type='x'>no</SCRIPT >yes", "yes"),
        ("<!-- no -->yes<!---->", "yes"),
        ("<!--[if mso]><p>no</p><![endif]-->yes", "yes"),
        ("<!-- never closed <p>yes</p>", "never closed\nyes"),
        ("<script>never closed", "never closed"),
        ("<div style='display:none'>no<div>no</div></div>yes", "yes"),
        ('<p style="color:red; DISPLAY : none">no</p><p>yes</p>', "yes"),
        ("<span style='mso-hide:all'>no</span>yes", "yes"),
        ("<div style='display:none'>never closed", "never closed"),
        ("<div style='display:block'>yes</div>", "yes"),
        ("5 < 6 and a<b", "5 < 6 and a<b"),
        ('<a title="a > b">link</a>', "link"),
        ('<a title="it\'s>fine">link</a>', "link"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("<blockquote>old<br>words</blockquote>new", "> old\n> words\nnew"),
        ("<blockquote><blockquote>older</blockquote></blockquote>", "> > older"),
        ("<?xml version='1.0'?><!DOCTYPE html><html><body>yes</body></html>", "yes"),
        ("", ""),
    ],
)
def test_pages(page: str, text: str) -> None:
    assert to_text(page)[0] == text


def test_tags_are_counted_and_limited() -> None:
    assert to_text("<b>x</b>" * 100, most_tags=50) == ("x" * 25, 50)


def test_the_charset_a_page_names() -> None:
    assert charset_of(b'<head><meta http-equiv="Content-Type" content="text/html; charset=koi8-r">') == "koi8-r"
    assert charset_of(b"<META CHARSET='windows-1250'>") == "windows-1250"
    assert charset_of(b"<p>charset=x</p>") == ""


KEPT = "https://drive.google.com/file/d/1x/view?usp=drive_web"


@pytest.mark.parametrize(
    ("page", "text"),
    [
        (f'<a href="{KEPT}">invoice.pdf</a>', f"invoice.pdf <{KEPT}>"),
        (f"Here <A class=x HREF='{KEPT}'><img><span>invoice.pdf</span></A>.", f"Here invoice.pdf <{KEPT}>."),
        (f"<a href={KEPT}>invoice.pdf</a>", f"invoice.pdf <{KEPT}>"),
        ('<a href="https://disk.yandex.ru/d/x?a=1&amp;b=2">фото</a>', "фото <https://disk.yandex.ru/d/x?a=1&b=2>"),
        ('<a href="https://example.sharepoint.com/:b:/g/x">umowa</a>', "umowa <https://example.sharepoint.com/:b:/g/x>"),
        ('<a href="https://www.icloud.com/attachment/?u=x">Click to Download</a>',
         "Click to Download <https://www.icloud.com/attachment/?u=x>"),
        (f'<blockquote><a href="{KEPT}">invoice.pdf</a></blockquote>', f"> invoice.pdf <{KEPT}>"),
        # What can be read or leads to no file of his stays as it is.
        (f'<a href="{KEPT}">{KEPT}</a>', KEPT),
        ('<a href="https://example.com/unsubscribe">here</a>', "here"),
        ('<a href="https://wetransfer.com">WeTransfer</a>', "WeTransfer"),
        ('<a href="https://example.com/?to=https://we.tl/t-x">here</a>', "here"),
        ('<a href="mailto:anna@example.org">write</a>', "write"),
        (f'<a href="{KEPT}"><img></a>x', f"<{KEPT}>x"),
        (f'<a href="{KEPT}">never closed', "never closed"),
    ],
)  # fmt: skip
def test_where_files_are_kept_is_told(page: str, text: str) -> None:
    assert to_text(page)[0] == text
