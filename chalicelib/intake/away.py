"""Whether a mail reads like a program's answer, of one who is away mostly, where no header says so."""

import re
from typing import Final

from chalicelib.intake import absence, quotes, signatures
from chalicelib.intake.written import written
from chalicelib.patterns import pattern

# These say that a program answers; behind them must come an end or the subject that is answered.
_AWAY_SUBJECT = pattern(
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
_PERHAPS_AUTOMATIC_SUBJECT = pattern(
    r"\s*(?:auto|odpowiedź auto|nieobecn|urlop|abwesen|urlaub|отпуск|отсутств|відпустка|відсутн|away|absen|vacation"
    r"|holiday|out of)",
    re.IGNORECASE,
)
SAYS_AUTOMATIC = pattern(
    r"(?:this is an|das ist eine|dies ist eine|to jest|это|це) (?:auto-?(?:re|odp|antw)|автоот|автовід"
    r"|(?:autom|автом)\w{0,12} (?:e-?mail|reply|response|message|generated|odpow|wiadom|wygener|antwort|nachricht"
    r"|erstellt|generiert|ответ|сообщ|письм|уведом|відпов|повідом|лист))"
    r"|(?:wiadomość|odpowiedź) (?:została )?(?:wygenerowan\w{1,3} )?automatyczn|automatisch (?:erstellt|generiert)",
    re.IGNORECASE,
)
# So programs say that they have a mail.
_MATTER: Final = (
    r"(?:request|ticket|case|message|e-?mail|inquiry|enquiry|anfrage|anliegen|nachricht|zgłoszeni\w*|wiadomoś\w*|sprawa"
    r"|запрос\w*|обращени\w*|заявк\w*|сообщени\w*|звернен\w*|запит\w*|повідомлен\w*|mail)"
)
RECEIVED = pattern(
    rf"{_MATTER}[^.,!?\n]{{0,40}}(?<!\w)(?:received|created|registered|opened|eingegangen|erhalten|angelegt|erstellt"
    r"|przyję\w+|otrzyma\w+|utworz\w+|zarejestr\w+|получен\w*|создан\w*|зарегистр\w+|принят\w*|отриман\w*|створен\w*"
    r"|зареєстр\w+|прийнят\w*)"
    r"|(?:received|erhalten|otrzyma\w+|получили|отримали) (?:your|ihre|państwa|twoje|twoją|ваше?) "
    rf"{_MATTER}",
    re.IGNORECASE,
)
# These say that somebody is away, until when, and nothing else; the text must say it as well.
_PERHAPS_AWAY_SUBJECT = pattern(
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
_AWAY_BODY = pattern(
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
_GETS = pattern(
    r"(?<!\w)(?:i (?:only |just |always |keep )?get(?:ting)?|dostaję|otrzymuję|dosta\w{2,4} tylko"
    r"|ich (?:bekomme|erhalte)|(?:bekomme|erhalte) ich|получаю|получил\w? только|мне приход\w+|отримую"
    r"|отрима\w{1,2} (?:лише|тільки))(?!\w)"
    r"|(?:got an?|dostał[ae]m|пришл?о|получил\w?|прийшл[оа]) (?:wiadomość )?(?:autom|автомат)",
    re.IGNORECASE,
)
# Who speaks of our answer got it.
_YOURS = pattern(
    r"(?<!\w)(?:your|ihre|państwa|wasza|twoja|ваша?|ваш[аеу]) (?:auto\w* |автом\w* )?"
    r"(?:answer|reply|response|bot|antwort|odpowiedź|ответ|відповідь)",
    re.IGNORECASE,
)
# Who is away may want something before he goes: what is done with goods and appointments, or anything but that somebody
# else be asked and he be excused.
_WISHES = pattern(
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
_URGENT_QUESTION = pattern(
    r"[^.!?\n]{0,80}(?:dringend|eilig|notf[aä]ll|piln|urgent|emergenc|срочн|термінов)[^.!?\n]{0,80}\?", re.IGNORECASE
)
_LINK = pattern(r"https?://\S{1,2000}", re.IGNORECASE)


def reason(subject: str, text: str, *, unwelcome: bool) -> str:
    """The sentence that says by what it is known; "" for what a person wrote.

    `unwelcome`: its header wants no automatic answer (X-Auto-Response-Suppress).
    """
    named = _AWAY_SUBJECT.match(subject)
    if named and not (named.end() >= len(subject.rstrip()) and _about_answers(text)):
        return "Its subject begins like an automatic reply."
    perhaps = _PERHAPS_AUTOMATIC_SUBJECT.match(subject)
    if perhaps and _says_automatic(text):
        return "Its subject and text say that a program sent it."
    if (perhaps or _PERHAPS_AWAY_SUBJECT.match(subject)) and _says_away(text):
        return "Its subject and text say that its sender is away."
    if unwelcome and (_says_away(text) or _says_automatic(text)):
        return "It wants no automatic answer and says that its sender is away (X-Auto-Response-Suppress)."
    return ""


def asks(own: str) -> bool:
    """Whether a question or a wish stands in what somebody wrote."""
    own = _LINK.sub(" ", own)
    return "?" in own or bool(_WISHES.search(own))


def _about_answers(text: str) -> bool:
    """Whether a mail with such a name and no other is one about automatic answers: programs speak of an absence, or
    say that they have a mail.
    """
    if _says_automatic(text):
        return False
    own = _URGENT_QUESTION.sub(" ", written(text))
    if "?" in own or _GETS.search(own) or _YOURS.search(own):
        return True
    acknowledges = RECEIVED.search(own) and not signatures.of_himself(own)
    return not (acknowledges or absence.nothing_else(own))


def _says_automatic(text: str) -> bool:
    """Whether it says that a program sent it, if only in its footer.

    What it answers to may say so as well, as our acknowledgements do.
    """
    new = "\n".join(quotes.above(text.split("\n")))
    return bool(SAYS_AUTOMATIC.search(written(text)) or SAYS_AUTOMATIC.search(new))


def _says_away(text: str) -> bool:
    """Whether somebody says that he is away and nothing else: who wants something would wait among programs."""
    if not _AWAY_BODY.search(text):
        return False
    own = _URGENT_QUESTION.sub(" ", written(text))
    return not asks(own) and absence.nothing_else(own)
