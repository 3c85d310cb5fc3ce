"""The card itself: one HTML file that needs nothing else, on a screen by day or night and on paper."""

from typing import Final

from training.card import about, reached
from training.card.markup import Markup, element
from training.card.subject import Subject

STYLE: Final = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1c1c1c; --faint: #5c5c5c; --rule: #cfcfcf; --blue: #1b62b5;
  --orange: #b34a00; --band: #1b62b526; --mark: #ffe08a; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171a; --ink: #ececec; --faint: #b0b0b0; --rule: #44484d;
  --blue: #7fb5f5; --orange: #ffa866; --band: #7fb5f533; --mark: #6b5400; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 62rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
p, ul { max-width: 44rem; overflow-wrap: anywhere; }
h1, h2 { line-height: 1.2; }
h2 { margin-top: 2.5rem; border-top: 1px solid var(--rule); padding-top: 1rem; }
a { color: var(--blue); }
a:focus-visible, .scroll:focus-visible { outline: 3px solid var(--orange); outline-offset: 2px; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: 0; background: var(--paper); }
.first { font-size: 1.4rem; line-height: 1.35; }
.warning { border-left: .3rem solid var(--orange); padding-left: .7rem; }
figure { margin: 1rem 0 2rem; display: flex; flex-wrap: wrap; gap: 1rem 2rem; align-items: flex-start; }
figure > * { min-width: 0; max-width: 100%; }
figure > svg { flex: 1 1 24rem; max-width: 34rem; }
figcaption { flex: 1 0 100%; font-weight: 600; }
blockquote { flex: 1 1 20rem; max-width: 34rem; margin: 0; padding: .7rem 1rem;
  border-left: .2rem solid var(--rule); white-space: pre-line; }
mark { background: var(--mark); color: inherit; }
u { text-decoration: underline 2px var(--orange); text-underline-offset: .2em; }
.scroll { overflow-x: auto; margin: 1rem 0; }
figure .scroll { margin: 0; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: .3rem; }
small { font-weight: 400; color: var(--faint); }
th, td { text-align: left; vertical-align: top; padding: .2rem .6rem; border-bottom: 1px solid var(--rule); }
td { overflow-wrap: anywhere; min-width: 3rem; }
.cell { text-align: right; min-width: 0; padding: .2rem .4rem;
  background: color-mix(in srgb, var(--blue) calc(var(--share) * 55%), transparent); }
svg { width: 100%; height: auto; font-size: 13px; }
svg text { fill: var(--ink); }
.matrix thead th { padding: .2rem .4rem; }
.matrix thead th + th { writing-mode: vertical-rl; vertical-align: bottom; }
.grid { stroke: var(--rule); }
.ideal { stroke: var(--faint); stroke-dasharray: 6 4; fill: none; }
.line { stroke: var(--blue); stroke-width: 2; fill: none; }
.line.second { stroke: var(--orange); stroke-dasharray: 3 3; }
.mark { stroke: var(--orange); stroke-width: 2; fill: none; }
.band { fill: var(--band); }
.dot { fill: var(--blue); }
.dot.second, .dot.own { fill: var(--orange); }
@page { margin: 16mm; }
@media print { :root { color-scheme: light; --paper: #fff; --ink: #000; --faint: #444; --rule: #bbb; --blue: #1b62b5;
    --orange: #b34a00; --band: #1b62b526; --mark: #ffe08a; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav, .skip { display: none; }
  .matrix thead th { padding: .1rem; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  figure, tr { break-inside: avoid; } h2, caption { break-after: avoid; } .scroll { overflow: visible; }
  table { font-size: 8pt; } th, td { padding: .1rem .3rem; min-width: 0; } }
"""


def page(subject: Subject) -> str:
    """The whole file; equal for equal models, messages and corpus."""
    sections = _sections(subject)
    contents = element("ul", *(element("li", element("a", title, href=f"#{_id(title)}")) for title, _ in sections))
    body = element(
        "body",
        element("a", "To the figures", class_="skip", href=f"#{_id(sections[0][0])}"),
        element("header", element("h1", f"Model card: {subject.model.model_id}")),
        element("nav", contents, aria_label="Contents"),
        element("main", *(_section(title, content) for title, content in sections)),
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name_="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"Model card: {subject.model.model_id}"),
        element("style", Markup(STYLE)),
    )
    return "<!DOCTYPE html>\n" + element("html", head, body, lang="en") + "\n"


def _sections(subject: Subject) -> list[tuple[str, Markup]]:
    found = [
        ("In plain words", reached.in_plain_words(subject)),
        ("What it is", about.what_it_is(subject)),
        ("What it was taught on", about.taught_on(subject)),
        ("What it must not be used for", about.not_for()),
        ("What it was judged on", about.judged_on(subject)),
        ("Does its confidence mean what it says", reached.calibration(subject)),
        ("What it routes by itself", reached.coverage(subject)),
        ("What it takes for what", reached.confusion(subject)),
        ("Languages and channels", reached.by_language_and_channel(subject)),
    ]
    if "urgency" in subject.answers:
        found.append(("Urgency", reached.urgency(subject)))
    if subject.spam is not None:
        found.append(("Spam", reached.spam(subject)))
    if subject.corpus is not None:
        found.append(("What more messages bring", reached.learning(subject)))
    return [
        *found,
        ("Why it says so", about.evidence(subject)),
        ("Thresholds", about.thresholds(subject)),
    ]


def _section(title: str, content: Markup) -> Markup:
    return element("section", element("h2", title), content, id=_id(title))


def _id(title: str) -> str:
    return "-".join(title.lower().split())
