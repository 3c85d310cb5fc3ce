"""Whether a mail reads like one that a mail system returns, where no header says so."""

import re
from typing import Final

from chalicelib.intake import signatures
from chalicelib.patterns import pattern

_BOUNCE_SUBJECT = pattern(
    r"\s*(?:warning:\s*|permanent )?(?:undeliver|returned mail|failure notice"
    r"|mail (?:delivery|could not|system error|failure)"
    r"|delivery (?:status|fail|has failed|notification|report|problem|error)|message (?:delivery|undeliverable)"
    r"|non[- ]?deliver|could not (?:send|deliver)|unzustellbar|nicht zustellbar|fehler bei der zustellung"
    r"|(?:mail-?)?zustellung fehlgeschlagen|zustellfehler|(?:e-?mail|nachricht) nicht zustellbar"
    r"|benachrichtigung zum übermittlungsstatus"
    r"|niedostarcz|nie ?dostarczon|nie (?:można|udało się) (?:dostarczyć|doręczyć)|zwrot (?:wiadomości|poczty)"
    r"|błąd (?:dostarcz|doręcz)"
    r"|wiadomość (?:niedostarczona|nie została)|powiadomienie o niedostarcz|stan dostarczenia"
    r"|(?:письмо )?не ?доставлен|(?:невозможно|не удается|не удаётся|не удалось) доставить|ошибка доставки"
    r"|сообщение не доставлено|возврат (?:письма|почты)"
    r"|ваше (?:письмо|сообщение) не|уведомление о (?:статусе|состоянии) доставки"
    r"|не вда(?:лося|ється) доставити|помилка доставки|повідомлення не доставлено|лист не доставлено"
    r"|non remis|échec de (?:la )?(?:remise|distribution)|no se (?:puede|pudo|ha podido) entregar|correo devuelto"
    r"|mancat[ao] (?:consegna|recapito)|impossibile (?:consegnare|recapitare)|não (?:foi )?entregue|falha na entrega"
    r"|onbestelbaar|niet (?:bezorgd|afgeleverd)|kunde inte levereras|kunne ikke leveres|ei voitu toimittaa"
    r"|nedoručiteln|nelze doručit|kézbesíthetetlen|teslim edilemedi"
    r"|メールエラー通知|配信(?:エラー|不能)|系统退信|退信|投递失败|반송|you .{3,80} are not (?:a )?member)",
    re.IGNORECASE,
)
_MAIL: Final = (
    r"(?:message|e-?mail|mail|recipient|nachricht|empfänger|wiadomoś|poczt|adresat|сообщени|письм|почт|получател"
    r"|повідомлен|лист(?!опад)|courriel|mensaje|correo|messaggio|mensagem|bericht)"
)
_UNDELIVERED: Final = (
    r"(?:could ?n.t|can ?not|could not|was not|was ?n.t(?: able to)?|not be|unable to|failed to be) (?:be )?deliver"
    r"|undeliver|error delivering|delivery .{0,20}fail|nicht (?:an .{0,20})?(?:zugestellt|zustellbar)"
    r"|nie (?:można|udało|została|może|mogła).{0,20}(?:dostarcz|doręcz)"
    r"|niedostarcz|не (?:было|была|может|удалось) .{0,20}достав|не доставлен|не (?:вдалося|було|може) .{0,10}достав"
    r"|pas pu être (?:remis|distribué)|no (?:se ha podido|se pudo|pudo) .{0,10}entrega"
    r"|non (?:è stato|può) .{0,20}(?:consegn|recapit)|não (?:pôde|foi) .{0,20}entreg|niet worden (?:bezorgd|afgeleverd)"
)
# Parcels come back as well: it must be a mail system's code, or a mail that was not delivered, told without goods.
_BOUNCE_CODE = pattern(
    r"\b[45]\d\d[ -][45]\.\d{1,3}\.\d|\b5[0-5]\d[ -].{0,60}(?:user|recipient|mailbox|address|host|relay|unknown)"
    r"|failed recipient|user unknown|unknown user|not a member of th|送信できません"
    r"|not listed in (?:\w{1,20} ){0,2}directory|qmail-send program|permanent fatal (?:delivery )?errors",
    re.IGNORECASE,
)
# Exchange and Outlook.com speak of those whom a mail did not reach.
_RECIPIENTS: Final = (
    r"failed to these recipients or groups|reach the following recipient\(s\)|the following recipients? failed"
    r"|nachrichtenzustellung an folgende empfänger|folgenden empfänger nicht erreicht"
    r"|do następujących adresatów lub grup nie|nie dotarła do następujących adresatów"
    r"|(?:выполнить доставку|не доставлено) следующим получателям|доставка не выполнена для следующих"
    r"|повідомлення (?:цим|таким|наступним) одержувачам"
)
_BOUNCE_WORDS = pattern(
    rf"{_MAIL}[^.!?]{{0,100}}?(?:{_UNDELIVERED})|(?:{_UNDELIVERED})[^.!?]{{0,60}}?{_MAIL}|{_RECIPIENTS}", re.IGNORECASE
)
_GOODS = pattern(
    r"\b(?:parcel|package|packet|(?<!in )order(?! to\b)|shipment|goods|courier|(?:dhl|ups|dpd|gls|hermes|inpost)\b"
    r"|paczk|paczek|paczce|przesył|zamówie|towar|kurier|poczta polska|paket|päckchen|sendung|bestell|lieferung|посыл"
    r"|заказ|товар|курьер|почтов\w{2} отправлени|почта россии|посилк|замовлен|кур[’'ʼ]?єр|відправленн|укрпошт"
    r"|нова пошта"
    # What comes by mail or message itself: a code, a ticket, a receipt.
    r"|(?:sms|смс)|(?:z|with|mit|с|з) (?:(?!error|status|reply|smtp)\w{1,20} ){0,2}(?:code\b"
    r"|kod(?!\w* błęd)|код(?!\w* (?:ошиб|помил)))|bilet|билет|квит(?:ок|к)|tickets?\b|voucher"
    r"|gutschein|чек(?:ом|а)?\b)",
    re.IGNORECASE,
)
_QUOTED = pattern(r"^>(?!>>).*$", re.MULTILINE)  # but for what a mail system says to another (`>>> RCPT TO`)
# What the mail that came back was about: its subject as a field, or in quotation marks.
_WAS_ABOUT = pattern(
    r"^[ \t]{0,8}(?:subject|betreff|temat|тема)\s?:.{0,300}$|[\"„“«][^\"„“”«»\n]{1,200}[\"“”»]",
    re.IGNORECASE | re.MULTILINE,
)
# Whoever tells that his own mail came back is a person: mail systems speak to him whose mail it was.
_OWN_MAIL = pattern(
    r"(?<!\w)(?:my (?:e-?mails?|mails?|messages?)|i (?:got|get|keep getting|received?|wrote|write|am writing)"
    r"|(?:moja|moje|moją|mój|moich) (?:wiadomo|e-?mail|mail|list)|(?:dosta|otrzyma|napisa|wysła)ł[ae]m"
    r"|(?:dostaję|otrzymuję|piszę)(?!\w)|mein\w{0,2} (?:e-?mail|mail|nachricht)"
    r"|ich (?:habe|bekam|bekomme|erhielt|erhalte|schreibe)(?!\w)|(?:habe|bekam|bekomme|erhielt|erhalte) ich(?!\w)"
    r"|мо(?:[её]|их|и|й) (?:письм|сообщени|e-?mail)|я (?:получ|пишу|писал|написал|отправ)"
    r"|мне (?:приш|приход|верну)|м(?:ій|оє|ої) (?:лист|повідомлен|e-?mail)|я (?:отрим|писа|напис|надісл)"
    r"|мені (?:приш|прийш|приход|поверн)"
    # … or what others get who write to him.
    r"|(?:customers|clients|people|klienci|kunden|клиенты|клієнти) (?:\w{1,20} ){0,2}"
    r"(?:get|see|receive|dostają|otrzymują|bekommen|erhalten|получают|отримують)(?!\w)"
    r"|ich (?:kann|möchte|brauche)(?!\w)|(?<!\w)nie mogę(?!\w)|не (?:могу|можу)(?!\w))",
    re.IGNORECASE,
)
_SENTENCE_READ: Final = 200  # characters around such words
_WITH_ADDRESS = pattern(r"\S{0,100}@\S{0,100}")


def announced(subject: str) -> bool:
    """Whether a subject begins like that of a returned mail."""
    return bool(_BOUNCE_SUBJECT.match(subject))


def told(subject: str, text: str) -> bool:
    """Whether the text of a mail with such a subject says that a mail came back, and no person tells of it."""
    text = _QUOTED.sub("", text)
    return _coded(text) or _mail_came_back(subject, text)


def without_subjects(text: str) -> str:
    """The text without what names another mail: its subject as a field, or in quotation marks."""
    return _WAS_ABOUT.sub(" ", text)


def _coded(text: str) -> bool:
    """Whether a mail system's code stands in a text, and no person tells of it."""
    found = _BOUNCE_CODE.search(text)
    return found is not None and not _OWN_MAIL.search(without_subjects(text[: found.start()]))


def _mail_came_back(subject: str, text: str) -> bool:
    """Whether it is told of a mail that it was not delivered, and not of goods; what was sent stands behind a colon.

    Programs name whom it did not reach. Who does not, and asks or speaks of himself, is none.
    """
    if _GOODS.search(subject.partition(":")[0]) or ("@" not in text and ("?" in text or signatures.of_himself(text))):
        return False
    text = without_subjects(_WITH_ADDRESS.sub(" ", text))  # the dots of an address end no sentence
    own = _OWN_MAIL.search(text)
    for found in _BOUNCE_WORDS.finditer(text):
        if own and own.start() < found.end():
            return False
        before = re.split(r"[.!?]", text[max(0, found.start() - _SENTENCE_READ) : found.start()])[-1]
        behind = re.split(r"[.!?]", text[found.end() : found.end() + _SENTENCE_READ], maxsplit=1)[0]
        if not _GOODS.search(before + found[0] + behind):
            return True
    return False
