"""Whether a text says nothing but that somebody is away, as programs do that answer for him.

Who is away and wants something says so in a sentence of its own, and no list holds all that people may want. So what
programs say is listed: that he is away, when he is back and answers, who stands in, thanks and greetings. A sentence
that is none of these is a person's.
"""

import re
from typing import Final

from chalicelib.intake import signatures
from chalicelib.patterns import pattern

#: Words that a clause must have before it counts: `and London` says nothing of its own.
CLAUSE: Final = 4
#: Words of a line that ends like no sentence: a name, what he is, a greeting.
LINE: Final = 6
_MONTH: Final = r"(?:ja?n|feb|m[aä]r|apr|ma[ijy]|jun|jul|aug|sep|o[kc]t|nov|de[zc])"
_SENTENCE_END = pattern(
    rf"(?<=[.!?])\s+(?<!\d\.\s)|(?<=\d\.)\s+(?!{_MONTH})(?=[^\W\d_a-zß-öø-ÿа-яёіїєґąćęłńóśźż])|\n+", re.IGNORECASE
)
_AND = pattern(r"(?<!\w)(?:and|but|und|aber|i|ale|и|а|но|і|й|але|та)(?!\w)")  # an English I is no Polish one
_SAID = pattern(
    r"(?<!\w)(?:"
    # English
    r"away|absen(?:t|ce)|(?:out of|in|to|from) (?:the )?office|vacation|holidays?|(?:be|am|i'm|when) back|return to"
    r"|(?:on|annual|sick|parental|maternity) leave|(?:my|i) return|(?:contact|write to|call)(?! me)|forwarded|access to"
    r"|emails are not|checking (?:my )?e-?mails?"
    r"|(?:urgent|emergency) (?:\w+ )?(?:matter|case|issue|question|quer|request|enquir|inquir)\w*|(?:is|for|be) urgent"
    r"|emergencies|in an emergency|thanks?|regards|automatic\w*|automated|in the mean(?:time|while)|reply|respond"
    r"|answer|get back to|reach me|colleagues?|dear|hello"
    # Polish
    r"|(?:nie)?obecn\w*|urlop\w*|poza biurem|w biurze|powro(?:cie|tu)|powrócę|wracam|wrócę|w sprawach"
    r"|piln\w+ (?:spraw|przypad|pyta|kwesti)\w*|spraw\w* piln\w+|odpowiem\w*|odpiszę|odezwę|dzięk\w+|pozdrawiam"
    r"|poważaniem|dostęp\w*|automatyczn\w+|zastęp\w+|cierpliw\w+|wyrozum\w+|prze(?:słanie|kaz\w+|kier\w+)"
    r"|dzień dobry|witam|proszę (?:pisać|kierować)|zwolnieni\w+|odbier\w+|dzwonić|kontakt\w*(?! ze mną)"
    # German
    r"|abwesen\w*|urlaub\w*|nicht (?:im (?:büro|haus)|da|erreichbar)|außer haus|rückkehr|wieder (?:da|im|für)"
    r"|erreichbar|wenden|dringenden?|eiligen|danke?|grü(?:ß|ss)\w*|vertr[ei]t\w*|weitergeleitet|beantwort\w+"
    r"|antworte|melde mich|bitte schreiben|gelesen|zugriff|bearbeiten|bei (?:\w+ )?(?:rück)?fragen|entgegen"
    r"|automatisch\w*|kontaktieren sie(?! mich)|rufen sie(?! mich)|guten (?:tag|morgen)|hallo|kolleg\w+"
    # Russian
    r"|отпуск\w*|отсутств\w+|(?:вне|в) офис[ае]|рабочем месте|возвращени\w+|вернусь|выйду|отвечу|ответим|связ\w+"
    r"|свяж\w+(?! со мной)|звон\w+(?! мне)|обращ\w+|срочны\w+ (?:вопрос|случ|дел)\w*|по (?:\w+ )?вопросам"
    r"|(?:прошу )?пи(?:сать|шите)|спасибо|благодар\w+|уважением|здравствуйте|добрый|доступ\w*|автоматич\w+"
    # Ukrainian
    r"|відпуст\w+|відсутн\w+|поза офісом|в офісі|(?:робочому )?місці|повернення|поверну(?:сь|ся)|відповім"
    r"|зв.?яж\w+(?! зі мною)|зверт\w+|з питань|термінов\w+ (?:питан|випад|справ)\w*|писати|пишіть|дякую"
    r"|повагою|добрий|доброго|вітаю|телефонуйте(?! мені)|автоматичн\w+)(?!\w)",
    re.IGNORECASE,
)
# An address, or a number to call.
_WHERE = pattern(r"@|\d{6}|\d{3}[ -]\d{2,3}")
# Short greetings.
_GREETS = pattern(r"\W{0,3}(?:best|cheers|lg|vg)\W{0,3}$", re.IGNORECASE)
# How firms end, which end no sentence.
_FIRM = pattern(r"(?<!\w)(?:ltd|inc|co|corp|o\. ?o|s\. ?a|sp\. ?[kj]|e\. ?[vk])\.\s*$", re.IGNORECASE)


def nothing_else(text: str) -> bool:
    """Whether every sentence of a text, and every clause of it, is one of who is away."""
    return all(
        _is_of_absence(clause)
        for sentence in _SENTENCE_END.split(_unsigned(text))
        for clause in _clauses(sentence.strip())
    )


def _unsigned(text: str) -> str:
    """The text without what stands below its greeting and ends like no sentence: names, addresses, numbers."""
    lines = text.split("\n")
    signed = next((at for at, line in enumerate(lines) if _greets(line)), len(lines))
    return "\n".join([*lines[:signed], *filter(_says, lines[signed:])])


def _greets(line: str) -> bool:
    """Whether a line greets and says nothing else, in one language or in two."""
    return bool(_GREETS.match(line)) or any(map(signatures.signs_off, line.split("/")))


def _says(line: str) -> bool:
    ends = line.rstrip().endswith((".", "!", "?")) and not _FIRM.search(line)
    return ends or signatures.postscript(line)


def _is_of_absence(clause: str) -> bool:
    return bool(_SAID.search(clause) or (len(clause.split()) <= LINE and _WHERE.search(clause)))


def _clauses(sentence: str) -> list[str]:
    """What a sentence says, without what is too short to say anything; nothing of a line that is none."""
    if len(sentence.split()) <= LINE and not sentence.endswith((".", "!", "?")):
        return []
    first, *others = _AND.split(sentence)
    return [first, *(clause for clause in others if len(clause.split()) >= CLAUSE)]
