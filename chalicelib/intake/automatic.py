"""Whether a program wrote the mail: by its header first (RFC 3834, 3464, 8098), by its words only at the last."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from chalicelib.intake import absence, addresses, phrases, words
from chalicelib.intake.bounce import STATUS_TYPES
from chalicelib.intake.message import Automatic
from chalicelib.intake.mime import ENCLOSED, Part
from chalicelib.intake.written import written

LOOP_HEADER: Final = "X-Sortownia-Loop"
AUTO_REPLY_FIELDS: Final = (
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-auto-reply",
    "x-autoreply-from",
    "x-mail-autoreply",
    "x-auto-reply-from",
    "x-autoresponse",
    "x-vacation",
    "x-fc-machinegenerated",
)
REPORTS: Final = frozenset({Automatic.BOUNCE, Automatic.DELIVERY_REPORT})  # they tell of an earlier mail
TEMPLATES: Final = ("oof", "reply")  # of Outlook: IPM.Note.Rules.OofTemplate.Microsoft and its like
BODY_READ: Final = 5_000  # characters in which a bounce says what it is
_DAEMON = re.compile(
    r"(?:^|[\s<\"'(,])(?:mailer[-_.]?daemon|post_?master|mdaemon"
    r"|mail[-_. ]?delivery[-_. ]?(?:sub)?[-_. ]?system)(?=[\s@>\"')]|$)",
    re.IGNORECASE | re.ASCII,
)
# So old Exchange servers call themselves, and people their work.
_ADMINISTRATOR = re.compile(r"[\s\"']*system administrator[\s\"']*(?:<|$)", re.IGNORECASE)
# What people's programs put before the subject of a mail that they pass on or answer.
_PASSED_ON = re.compile(r"\s*(?:re|fwd?|aw|wg|odp|pd|отв|пересл|відп|пер|tr|rv)\s?:", re.IGNORECASE)
# How a mail system tells that it still tries.
_LATE = re.compile(
    r"\s*(?:warning: (?:message \S{1,40} delayed|could not send message for)|(?:mail|message) delayed"
    r"|delayed (?:mail|delivery)|delivery (?:delayed|status notification \(delay))",
    re.IGNORECASE,
)
# The subject that RFC 7489 (7.2.1.1) gives to reports on mail of a domain.
_AGGREGATE = re.compile(r"\breport domain:.{1,300}\bsubmitter:", re.IGNORECASE)
ADDRESSES_READ: Final = 2_000  # characters of a field
_ACTION = re.compile(rb"^action:\s*(failed|delayed|delivered|relayed|expanded)", re.IGNORECASE | re.MULTILINE)
_BOUNCE_SUBJECT = re.compile(
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
_BOUNCE_CODE = re.compile(
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
_BOUNCE_WORDS = re.compile(
    rf"{_MAIL}[^.!?]{{0,100}}?(?:{_UNDELIVERED})|(?:{_UNDELIVERED})[^.!?]{{0,60}}?{_MAIL}|{_RECIPIENTS}", re.IGNORECASE
)
_GOODS = re.compile(
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
_QUOTED = re.compile(r"^>(?!>>).*$", re.MULTILINE)  # but for what a mail system says to another (`>>> RCPT TO`)
# What the mail that came back was about: its subject as a field, or in quotation marks.
_WAS_ABOUT = re.compile(
    r"^[ \t]{0,8}(?:subject|betreff|temat|тема)\s?:.{0,300}$|[\"„“«][^\"„“”«»\n]{1,200}[\"“”»]",
    re.IGNORECASE | re.MULTILINE,
)
# Whoever tells that his own mail came back is a person: mail systems speak to him whose mail it was.
_OWN_MAIL = re.compile(
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
_WITH_ADDRESS = re.compile(r"\S{0,100}@\S{0,100}")
# These say that a program answers; behind them must come an end or the subject that is answered.
_AWAY_SUBJECT = re.compile(
    r"\s*\[?(?:auto(?:matic)?[- _]?(?:reply|response|antwort)|out of (?:the )?office(?: auto-?reply)?"
    r"|automatische (?:antwort|e-mail-antwort)|(?:automatische )?abwesenheits\w{0,20}|autom\. antwort"
    r"|autoodpowiedź|auto-odpowiedź|(?:odpowiedź|wiadomość) automatyczna|automatyczna odpowiedź|poza biurem"
    r"|автоответ(?:чик)?|автоматический ответ|автоматическое сообщение|вне офиса"
    r"|автоматична відповідь|автовідповідь|автовідповідач|поза офісом"
    r"|réponse automatique|absence du bureau|respuesta automática|fuera de la oficina|risposta automatica|fuori sede"
    r"|resposta automática|fora do escritório|automatisch antwoord|afwezig(?:heidsassistent)?|autosvar"
    r"|automatiskt svar|automatisk svar|automaattinen vastaus|automatická odpov(?:ěď|eď)"
    r"|automatikus válasz|otomatik yanıt|r[aă]spuns automat|automatinis atsakymas|automātiska atbilde|automaatvastus"
    r"|automatski odgovor|samodejni odgovor|автоматичен отговор|αυτόματη απάντηση|מענה אוטומטי"
    r"|vacation (?:reply|response)|autoresponder|自動応答|自动(?:回|答)复|自動回覆|자동 회신)"
    r"\s*(?:[:：\]]|$|(?:re|odp|aw|fwd?)\s?:)",
    re.IGNORECASE,
)
# These a person may write as well: the text must say that a program does.
_PERHAPS_AUTOMATIC_SUBJECT = re.compile(
    r"\s*(?:auto|odpowiedź auto|nieobecn|urlop|abwesen|urlaub|отпуск|отсутств|відпустка|відсутн|away|absen|vacation"
    r"|holiday|out of)",
    re.IGNORECASE,
)
_SAYS_AUTOMATIC = re.compile(
    r"(?:this is an|das ist eine|dies ist eine|to jest|это|це) (?:auto-?(?:re|odp|antw)|автоот|автовід"
    r"|(?:autom|автом)\w{0,12} (?:e-?mail|reply|response|message|generated|odpow|wiadom|wygener|antwort|nachricht"
    r"|erstellt|generiert|ответ|сообщ|письм|уведом|відпов|повідом|лист))"
    r"|(?:wiadomość|odpowiedź) (?:została )?(?:wygenerowan\w{1,3} )?automatyczn|automatisch (?:erstellt|generiert)",
    re.IGNORECASE,
)
# These say that somebody is away, until when, and nothing else; the text must say it as well.
_PERHAPS_AWAY_SUBJECT = re.compile(
    r"\s*(?:auto(?=\s?:)|autoresponder|(?:jestem )?nieobecn\w{0,5}|(?:jestem )?(?:na )?urlop(?:ie)?"
    r"|(?:jestem )?poza biurem|поза офісом|вне офиса|abwesen\w{0,12}|(?:ich bin )?nicht im (?:büro|haus)"
    r"|(?:ich bin )?(?:im )?urlaub"
    r"|(?:я )?(?:в )?отпуске?|отсутств\w{0,4}|меня нет|(?:я )?(?:у )?відпуст[кц]\w|відсутн\w{0,4}|мене немає"
    r"|(?:i am |i'm )?(?:currently )?(?:away|on (?:(?:annual|sick|parental|maternity) )?(?:vacation|holiday|leave)"
    r"|out of (?:the )?office|absent)"
    r"|absence|(?:annual|parental|maternity|sick) leave|vacation|holidays?|ooo"
    r"|[^:.!?\n]{2,60} (?:is (?:out of|away from) the office|ist (?:außer haus|nicht im büro)))"
    r"(?: (?:from |out of )?(?:w|im|in|the|у|в|на) ?"
    r"(?:biurze|büro|office|офис[еі]|роботі|работе|(?:рабочем |робочому )?м(?:есте|ісці)))?"
    r"\s*(?:[:：\]!.,(]|$|(?:re|odp|aw)\s?:|(?:do|bis|until|till|thru|through|до|по)\b"
    r"|(?:w dniach|vom|ab|from|on|od|с|з|від|am)? ?\d)",
    re.IGNORECASE,
)
_ANSWERS: Final = (
    r"(?:repl|respon|answer|get back|contact|odpowi|odpis|skontakt|odezw|meld|antwort|beantwort|bearbeit|отвеч|ответ"
    r"|свяж|відпові|зв.?яж)"
)
_AWAY: Final = (
    r"(?:przebywam|jestem|będę) (?:na urlopie|nieobecn|poza biurem)|(?:нахожусь|буду|я) (?:в отпуске|отсутств)"
    r"|(?:перебуваю|буду|я) (?:у відпустці|відсутн)"
)
_RETURN: Final = (
    r"(?:(?:upon|on|after) my return|po (?:moim )?powrocie|(?:nach|bei) meiner rückkehr|по возвращени[ию]"
    r"|после (?:моего )?возвращения|після (?:мого )?повернення)"
)
# Who is away says so in a sentence of its own, and what he does after his return: he answers.
_AWAY_BODY = re.compile(
    r"(?:^|[\n.!?,;:]\s{0,9})(?:"
    r"(?:i am|i'm|i will be|i'll be|currently) (?:currently )?(?:out of|away from) (?:the )?office"
    r"|(?:obecnie )?(?:jestem|będę|przebywam) (?:obecnie )?(?:nieobecn|na urlopie|poza biurem)"
    r"|(?:[^.!?\n]{0,40} )?nie (?:ma|będzie) mnie w biurze"
    r"|(?:ich )?bin (?:ich )?(?:[^.!?\n]|(?<=\d)\.){0,60}"
    r"(?:nicht (?:im (?:büro|haus)|erreichbar)|im urlaub|abwesend|wieder (?:im büro|erreichbar|für sie))"
    r"|ich werde (?:[^.!?\n]|(?<=\d)\.){0,40}nicht im (?:büro|haus) sein"
    r"|(?:я|нахожусь|буду) [^.!?\n]{0,30}(?:в отпуске|отсутств(?:ую|овать)|вне офиса)"
    r"|(?:меня|мене) (?:нет|не будет|немає|не буде) (?:в офис[еі]|на (?:рабочем |робочому )?м(?:есте|ісці))"
    r"|(?:я|перебуваю|буду) [^.!?\n]{0,30}(?:у відпустці|відсутн|поза офісом)"
    r"|(?:i am|i'm|i will be|i'll be) (?:currently )?on (?:(?:annual|sick|parental|maternity) )?(?:vacation|holiday"
    r"|leave)"
    rf"|(?:od|do|w dniach|с|до|з|від) \d(?:[^.!?\n]|(?<=\d)\.){{0,40}} (?:{_AWAY}))"
    r"|(?:limited|no) access to (?:my )?(?:e-?mail|mail)|(?:nie mam|ograniczony) dostęp\w{0,2} do poczty"
    r"|(?:während|in) meiner abwesenheit|(?:will|shall) return to the office"
    rf"|{_RETURN}[^.!?]{{0,80}}{_ANSWERS}|{_ANSWERS}[^.!?]{{0,80}}{_RETURN}",
    re.IGNORECASE,
)
# Who writes about automatic answers gets them, and no others.
_GETS = re.compile(
    r"(?<!\w)(?:i (?:only |just |always |keep )?get(?:ting)?|dostaję|otrzymuję|dosta\w{2,4} tylko"
    r"|ich (?:bekomme|erhalte)|(?:bekomme|erhalte) ich|получаю|получил\w? только|мне приход\w+|отримую"
    r"|отрима\w{1,2} (?:лише|тільки))(?!\w)"
    r"|(?:got an?|dostał[ae]m|пришл?о|получил\w?|прийшл[оа]) (?:wiadomość )?(?:autom|автомат)",
    re.IGNORECASE,
)
_HIMSELF = re.compile(rf"(?<!\w)(?:{phrases.NOTICE_NEVER})(?!\w)")
# Where ticket systems cut what they are answered.
_REPLY_ABOVE = re.compile(
    r"(?:above|below|(?:ober|unter)halb|über|powyżej|poniżej|nad|выше|ниже|над|под|вище|нижче|під)"
    r" (?:this|dieser|tej|tą|этой|цією|цього|цієї) (?:line|zeile|lini|kresk|строк|черт|ліні|рядк)",
    re.IGNORECASE,
)
_MATTER: Final = (
    r"(?:request|ticket|case|message|e-?mail|inquiry|enquiry|anfrage|anliegen|nachricht|zgłoszeni\w*|wiadomoś\w*|sprawa"
    r"|запрос\w*|обращени\w*|заявк\w*|сообщени\w*|звернен\w*|запит\w*|повідомлен\w*|mail)"
)
_RECEIVED = re.compile(
    rf"{_MATTER}[^.,!?\n]{{0,40}}(?<!\w)(?:received|created|registered|opened|eingegangen|erhalten|angelegt|erstellt"
    r"|przyję\w+|otrzyma\w+|utworz\w+|zarejestr\w+|получен\w*|создан\w*|зарегистр\w+|принят\w*|отриман\w*|створен\w*"
    r"|зареєстр\w+|прийнят\w*)"
    r"|(?:received|erhalten|otrzyma\w+|получили|отримали) (?:your|ihre|państwa|twoje|twoją|ваше?) "
    rf"{_MATTER}",
    re.IGNORECASE,
)
ACKNOWLEDGED_WITHIN: Final = 1_000  # characters: what was said before stands below
# Who speaks of our answer got it.
_YOURS = re.compile(
    r"(?<!\w)(?:your|ihre|państwa|wasza|twoja|ваша?|ваш[аеу]) (?:auto\w* |автом\w* )?"
    r"(?:answer|reply|response|bot|antwort|odpowiedź|ответ|відповідь)",
    re.IGNORECASE,
)
# Who is away may want something before he goes: what is done with goods and appointments, or anything but that somebody
# else be asked and he be excused.
_WISHES = re.compile(
    r"(?<!\w)(?:chcę|chciał[ae]?bym|potrzebuję|(?:ich )?(?:möchte|brauche)|könnten sie|хочу"
    r"|мне нужн\w{1,2}|мені потрібн\w|i (?:want|need|would like)|(?:could|can|would) you)(?!\w)"
    r"|proszę o (?!kontakt|prze|kierow|wiadomo|telefon|cierpliw|wyrozum|e-?mail|pilny|bezpośr|zwraca|ponown)"
    r"|(?<!\w)прошу (?!обращ|писать|связ|прощ|извин|направ|звон|вас|зверт|писати|зв.яз|вибач|надсил|телефон)"
    r"|przesu[nń]|przełoż|wstrzym|anuluj|anulowa|odwoła[ćjn]|dostarcz|doręcz|przywie[zź]"
    r"|verschieb|verleg(?:en|t)|stornier|liefer(?:n|t|e)(?!\w)|zustell(?:en|t)|umbuch"
    r"|перенес|перенос|отмен[иы]|отлож|достав(?:ьт|ит|т)|привез|верните|скасу|відклад|поверніть"
    r"|reschedul|postpone|cancel|hold (?:my|our|the)|deliver (?:it|my|our|the|to)"
    r"|na (?:zajęci|lekcj)|на (?:занят|урок|приёме|приеме)|(?:zum|beim|im) (?:kurs|unterricht)|in class"  # said there
    r"|send (?:me|us|my|the (?:parcel|package|goods|order|invoice))|(?:a|my) refund"
    # … or with a parcel, which nobody who only excuses himself speaks of, and with what he ordered.
    r"|paczk[aęiuąo]|paczek|paczce|przesyłk|kurier|sąsiad|odbi(?:orę|ior[ęz]|erze|erać)|moje zamówieni"
    r"|(?<!\w)(?:paket|päckchen|sendung)|nachbar|kurier|abhol|meine bestellung|посыл(?:к|ок)|курьер|сосед|забер[уеё]"
    r"|мой заказ|посилк|посилок|кур.?єр|сусід|забер[уе]|моє замовлення|(?<!\w)(?:parcel|package|courier|neighbou?r)"
    r"|(?:collect|pick up|keep) (?:it|them|my|our|the)|my order",
    re.IGNORECASE,
)
# Programs ask this one question, to name who stands in.
_URGENT_QUESTION = re.compile(
    r"[^.!?\n]{0,80}(?:dringend|eilig|notf[aä]ll|piln|urgent|emergenc|срочн|термінов)[^.!?\n]{0,80}\?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What kind of automatic mail it is and the sentence that says by what it was known."""

    kind: Automatic
    reason: str


def judge(root: Part, subject: str, text: str) -> Verdict | None:
    """The first rule that holds; None for mail a person wrote."""
    for rule in _HEADER_RULES:
        if verdict := rule(root):
            return _list(root) if rule is _auto_submitted and _from_a_desk(root, text[:BODY_READ]) else verdict
    return _by_words(root, subject, text) or _calendar(root, text) or _list(root) or _bulk(root)


def _own(part: Part) -> Iterator[Part]:
    """The parts of the mail itself: what stands in a mail that it encloses is somebody else's."""
    yield part
    for child in part.children:
        if child.type in ENCLOSED:
            yield child
        else:
            yield from _own(child)


def _echo(root: Part) -> Verdict | None:
    if LOOP_HEADER.lower() in root.head:
        return Verdict(Automatic.ECHO, f"It is a mail of ours that came back: it carries our {LOOP_HEADER} header.")
    return None


def _form(root: Part) -> bool:
    """Whether it came by a form on its receiver's site: in the name of his domain, with answers to go elsewhere.

    Who makes such a form marks what it sends as a program's. What is filled in is a person's.
    """
    sender, to, answers = (_domains(root, name) for name in ("from", "to", "reply-to"))
    return (
        bool(sender and answers)
        and sender.isdisjoint(answers)
        and any(_below(one, other) for one in sender for other in to)
    )


def _below(one: str, other: str) -> bool:
    """Whether two domains are the same, or one is below the other."""
    return f".{one}".endswith(f".{other}") or f".{other}".endswith(f".{one}")


def _domains(root: Part, name: str) -> set[str]:
    found = addresses.parse(", ".join(root.head.all(name))[:ADDRESSES_READ], str)
    return {one.key.rpartition("@")[2] for one in found if "@" in one.key}


def _read_report(root: Part) -> Verdict | None:
    kind = root.parameters.get("report-type", "").lower()
    if "disposition-notification" in (kind, root.type.partition("/")[2]):
        return Verdict(
            Automatic.DELIVERY_REPORT, "It is a receipt that says what became of a mail (disposition-notification)."
        )
    if kind == "feedback-report" or any(part.type == "message/feedback-report" for part in _own(root)):
        return Verdict(Automatic.DELIVERY_REPORT, "It reports that somebody complained of a mail (feedback-report).")
    if any("x-hmxmroriginalrecipient" in part.head for part in root.walk()):
        return Verdict(Automatic.DELIVERY_REPORT, "It reports that somebody complained of a mail (Outlook.com).")
    return None


def _aggregate(root: Part) -> Verdict | None:
    told = "tls-report-domain" in root.head or root.parameters.get("report-type", "").lower() == "tlsrpt"
    if told or (_AGGREGATE.search(root.head.get("subject")[:1_000]) and any(map(_packed, _own(root)))):
        return Verdict(
            Automatic.DELIVERY_REPORT, "It reports how mail of a domain fared, as DMARC and TLS-RPT have it."
        )
    return None


def _packed(part: Part) -> bool:
    return part.type.startswith("application/")


def _delivery_status(root: Part) -> Verdict | None:
    if root.type != "multipart/report" and _PASSED_ON.match(words.decode(root.head.get("subject")[:1_000])):
        return None  # by a program that takes the report apart, as Apple's does
    statuses = [part for part in _own(root) if part.type in STATUS_TYPES]
    actions = {found.lower() for part in statuses for found in _ACTION.findall(part.content()[:20_000])}
    if actions and b"failed" not in actions:
        return Verdict(
            Automatic.DELIVERY_REPORT, "It reports a delivery that is late or done, not one that failed (RFC 3464)."
        )
    if statuses:
        return Verdict(Automatic.BOUNCE, "It reports that a mail could not be delivered (RFC 3464).")
    if root.head.get("content-type").lower().startswith("multipart/report"):
        return Verdict(Automatic.BOUNCE, "It is a mail system's report (multipart/report).")
    return None


def _failed_recipients(root: Part) -> Verdict | None:
    if "x-failed-recipients" in root.head:
        return Verdict(Automatic.BOUNCE, "It names the recipients a mail did not reach (X-Failed-Recipients).")
    return None


def _auto_submitted(root: Part) -> Verdict | None:
    if "x-autogenerated" in root.head:
        return Verdict(Automatic.AUTO_REPLY, "Its header says that a program sent it (X-Autogenerated).")
    value = re.split("[;(]", root.head.get("auto-submitted"), maxsplit=1)[0].strip().lower()
    if value and value != "no" and not (value != "auto-replied" and _form(root)):
        kind = value if value.replace("-", "").isalpha() and len(value) < 40 else "something else than no"
        return Verdict(Automatic.AUTO_REPLY, f"Its header says that a program sent it (Auto-Submitted: {kind}).")
    return None


def _from_a_desk(root: Part, text: str) -> bool:
    """Whether somebody answers from another ticket system: some mark what their people write as they mark the rest.

    What they say themselves, that they have our mail, is a program's all the same.
    """
    answers = "in-reply-to" in root.head and root.head.get("auto-submitted").lower().startswith("auto-generated")
    newest = text[:ACKNOWLEDGED_WITHIN]
    told = _RECEIVED.search(newest) or _SAYS_AUTOMATIC.search(newest)
    return answers and bool(_REPLY_ABOVE.search(text)) and not told


def _auto_reply(root: Part) -> Verdict | None:
    said = (name for name in AUTO_REPLY_FIELDS if root.head.get(name).lower() not in ("", "no", "false"))
    if name := next(said, ""):
        return Verdict(Automatic.AUTO_REPLY, f"Its header says that a program answered ({name}).")
    if any(root.head.get(name).lower() in ("auto_reply", "auto-reply") for name in ("precedence", "x-precedence")):
        return Verdict(Automatic.AUTO_REPLY, "Its header says that a program answered (Precedence: auto_reply).")
    if root.head.get("x-apple-action").lower() == "vacation":
        return Verdict(Automatic.AUTO_REPLY, "Its sender is away (X-Apple-Action: VACATION).")
    if root.head.get("delivered-to").lower() == "autoresponder":
        return Verdict(Automatic.AUTO_REPLY, "Its header says that a program answered (Delivered-To: Autoresponder).")
    if any(f"{name}template" in root.head.get("x-message-class").lower() for name in TEMPLATES):
        return Verdict(Automatic.AUTO_REPLY, "Its header says that a rule of Outlook answered (X-Message-Class).")
    return None


def _daemon(root: Part) -> Verdict | None:
    if _DAEMON.search(root.head.get("from")[:ADDRESSES_READ]):
        if _LATE.search(root.head.get("subject")[:1_000]):
            return Verdict(Automatic.DELIVERY_REPORT, "A mail system says that a mail is late, not that it failed.")
        return Verdict(Automatic.BOUNCE, "Its sender is a mail system, not a person.")
    return None


def _notification(root: Part) -> Verdict | None:
    if "x-amz-sns-message-id" not in root.head:
        return None
    if b'"bounceType' in root.content()[:20_000].replace(b" ", b""):
        return Verdict(Automatic.BOUNCE, "It is a notification of Amazon SES that a mail could not be delivered.")
    return Verdict(Automatic.AUTO_REPLY, "It is a notification of Amazon SNS, sent by a program.")


def _null_path(root: Part) -> Verdict | None:
    if root.head.get("return-path").replace(" ", "") == "<>":
        return Verdict(Automatic.BOUNCE, "It wants no answer, as a mail system does (empty Return-Path).")
    return None


_HEADER_RULES: Final[tuple[Callable[[Part], Verdict | None], ...]] = (
    _echo,
    _read_report,
    _aggregate,
    _delivery_status,
    _failed_recipients,
    _notification,
    _auto_reply,
    _daemon,
    _auto_submitted,
    _null_path,
)


def _by_words(root: Part, subject: str, text: str) -> Verdict | None:
    away = _AWAY_SUBJECT.match(subject)
    if away and not (away.end() >= len(subject.rstrip()) and _about_answers(text[:BODY_READ])):
        return Verdict(Automatic.AUTO_REPLY, "Its subject begins like an automatic reply.")
    perhaps = _PERHAPS_AUTOMATIC_SUBJECT.match(subject)
    if perhaps and _says_automatic(text[:BODY_READ]):
        return Verdict(Automatic.AUTO_REPLY, "Its subject and text say that a program sent it.")
    if (perhaps or _PERHAPS_AWAY_SUBJECT.match(subject)) and _says_away(text[:BODY_READ]):
        return Verdict(Automatic.AUTO_REPLY, "Its subject and text say that its sender is away.")
    if wants_no_answer(root) and (_says_away(text[:BODY_READ]) or _says_automatic(text[:BODY_READ])):
        return Verdict(
            Automatic.AUTO_REPLY,
            "It wants no automatic answer and says that its sender is away (X-Auto-Response-Suppress).",
        )
    if _BOUNCE_SUBJECT.match(subject):
        if _ADMINISTRATOR.match(root.head.get("from")[:200]):
            return Verdict(Automatic.BOUNCE, "Its sender is a mail system, not a person.")
        text = _QUOTED.sub("", text[:BODY_READ])
        if _coded(text) or _mail_came_back(subject, text):
            return Verdict(Automatic.BOUNCE, "Its subject and text are those of a returned mail.")
    return None


def _about_answers(text: str) -> bool:
    """Whether a mail with such a name and no other is one about automatic answers: programs speak of an absence."""
    if _says_automatic(text):
        return False
    own = _URGENT_QUESTION.sub(" ", written(text))
    return "?" in own or bool(_GETS.search(own) or _YOURS.search(own)) or not absence.nothing_else(own)


def _says_automatic(text: str) -> bool:
    """Whether it says that a program sent it: what it answers to may say so as well, as our acknowledgements do."""
    return bool(_SAYS_AUTOMATIC.search(written(text)))


def _says_away(text: str) -> bool:
    """Whether somebody says that he is away and nothing else: who wants something would wait among programs."""
    if not _AWAY_BODY.search(text):
        return False
    own = _URGENT_QUESTION.sub(" ", written(text))
    return not _asks(own) and absence.nothing_else(own)


def _asks(own: str) -> bool:
    return "?" in own or bool(_WISHES.search(own))


def _coded(text: str) -> bool:
    """Whether a mail system's code stands in a text, and no person tells of it."""
    found = _BOUNCE_CODE.search(text)
    return found is not None and not _OWN_MAIL.search(_WAS_ABOUT.sub(" ", text[: found.start()]))


def _mail_came_back(subject: str, text: str) -> bool:
    """Whether it is told of a mail that it was not delivered, and not of goods; what was sent stands behind a colon.

    Programs name whom it did not reach. Who does not, and asks or speaks of himself, is none.
    """
    if _GOODS.search(subject.partition(":")[0]) or ("@" not in text and ("?" in text or _HIMSELF.search(text))):
        return False
    text = _WAS_ABOUT.sub(" ", _WITH_ADDRESS.sub(" ", text))  # the dots of an address end no sentence
    own = _OWN_MAIL.search(text)
    for found in _BOUNCE_WORDS.finditer(text):
        if own and own.start() < found.end():
            return False
        before = re.split(r"[.!?]", text[max(0, found.start() - _SENTENCE_READ) : found.start()])[-1]
        behind = re.split(r"[.!?]", text[found.end() : found.end() + _SENTENCE_READ], maxsplit=1)[0]
        if not _GOODS.search(before + found[0] + behind):
            return True
    return False


def wants_no_answer(root: Part) -> bool:
    """Whether the mail wants no automatic answer; people's mail that passes through ticket systems may say so too."""
    value = root.head.get("x-auto-response-suppress").lower()
    return "all" in value or "autoreply" in value or "oof" in value


def _calendar(root: Part, text: str) -> Verdict | None:
    invited = (part for part in _own(root) if part.type == "text/calendar" and part.disposition != "attachment")
    methods = {part.parameters.get("method", "").upper() for part in invited} - {""}
    own = written(text[:BODY_READ])
    # Who proposes another time waits for an answer, and so does who asks for something beside the entry.
    if not methods or methods == {"COUNTER"} or _asks(_WAS_ABOUT.sub(" ", own)):
        return None
    return Verdict(Automatic.CALENDAR, "It is an invitation or an answer to one (text/calendar).")


def _list(root: Part) -> Verdict | None:
    if "list-id" in root.head or "list-post" in root.head:
        return Verdict(Automatic.LIST, "It came over a mailing list (List-Id).")
    if root.head.get("precedence").lower() == "list":
        return Verdict(Automatic.LIST, "It came over a mailing list (Precedence: list).")
    return None


def _bulk(root: Part) -> Verdict | None:
    if _form(root):  # services that send for a shop put List-Unsubscribe on all they send
        return None
    if "list-unsubscribe" in root.head and "in-reply-to" not in root.head:  # what answers is for one reader
        return Verdict(Automatic.BULK, "It was sent to many (List-Unsubscribe).")
    if root.head.get("precedence").lower() in ("bulk", "junk"):
        return Verdict(Automatic.BULK, "It was sent to many (Precedence: bulk).")
    return None
