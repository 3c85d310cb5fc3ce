"""A page of the shop with our widget on it, as a shop would serve it: under a strict content security policy."""

import hashlib
import hmac
import html
import json
from typing import Final

PATH: Final = "/shop/"
#: Nothing but the widget's script and its calls: no style sheet, no inline script, no text that becomes a program.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'"
)
LANGUAGES: Final = ("en", "pl", "de", "ru", "uk")


def page(installation: str, language: str, visitor_id: str, secret: str) -> bytes:
    """The page, for a stranger ('') or for a customer whom the shop proves with the installation's secret."""
    language = language if language in LANGUAGES else LANGUAGES[0]
    links = " ".join(f'<a href="{PATH}?lang={one}">{one}</a>' for one in LANGUAGES)
    return f"""<!doctype html>
<html lang="{language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Example shop</title></head>
<body>
<h1>Example shop</h1>
<p>A page of a shop. The chat is below on the right; what is written there waits in the desk's queues.</p>
<p>{links} · <a href="{PATH}?visitor=customer-1">as a customer who has signed in</a></p>
<script src="/v1/widget.js" data-installation="{html.escape(installation)}"{_proved(visitor_id, secret)} async></script>
</body>
</html>
""".encode()


def _proved(visitor_id: str, secret: str) -> str:
    """What the shop's server says of who has signed in."""
    if not visitor_id:
        return ""
    proof = hmac.new(secret.encode(), visitor_id.encode(), hashlib.sha256).hexdigest()
    said = {"id": visitor_id, "name": visitor_id, "hash": proof}
    return f' data-visitor="{html.escape(json.dumps(said))}"'
