"""What mail programs write around a quotation, in the desk's languages and those of its neighbours.

Tables only: `quotes` and `signatures` say what they mean. Phrases are in lower case.
"""

from typing import Final

#: Verbs of an introduction; behind those of the second table the writer's name may stand.
WROTE: Final = {
    "en": r"wrote|writes|said|has written|replied",
    "pl": r"(?:na)?pisał(?:a|/a|\(-?a\))?|pisze|napisała?|można przeczytać",
    "ru": r"(?:на)?писал[аи]?|пишет|написала?|ответила?",
    "uk": r"(?:на)?писа(?:в|ла|ли)|пише|відповіла|відповів",
    "de": r"geschrieben|schreibt",
    "fr": r"a écrit|écrivait",
    "es": r"escribió|ha escrito",
    "it": r"ha scritto|scrisse|scrive",
    "pt": r"escreveu",
    "nl": r"geschreven|schrijft",
    "nordic": r"kirjoitti|skrifaði",
    "cs, sk": r"(?:na)?psala?|píše|napísala?",
    "south slavic": r"(?:je )?napisa(?:o|la)|je napisala?|(?:је )?написа(?:о|ла)|написа",
    "hu": r"(?:ezt )?írta",
    "ro": r"a scris",
    "tr": r"(?:şunu |şunları )?yazdı",
    "el": r"έγραψε",
    "baltic": r"kirjutas|rakstīja|rašė|parašė",
    "asia": r"đã viết|menulis",
}
WROTE_THEN_NAME: Final = r"schrieb|schreef|skrev|napisan[aey] przez|ezt írta|írta|kirjoitti"
WROTE_WITHOUT_BLANKS: Final = r"写道|寫道|のメール|のメッセージ|書きました|작성|쓴 글|作成"
QUOTING: Final = r"quoting|zitat von|citat od|cytowanie|цитирую|citando|citation de"
#: Whoever tells what was written says so of himself or to the reader; mail programs do not.
TELLERS: Final = (
    "i we you ich wir sie du ihr ja my pan pani państwo me us mir uns mi mnie мне мені"
    " я мы вы ви ми ти ты jag jeg vi ik wij nous vous yo io eu"
)
#: Whose colleague it was that wrote; as names of senders they begin with a capital letter, but for the last.
READERS_OWN: Final = r"wasz[ae]?|twój|twoja|ваш[аие]?|твой|твоя|твій|your|Państwa|Pani|Pana"
#: How a line begins that opens an introduction wrapped over several.
OPENERS: Final = (
    r"on|at|am|vom|w dniu|dnia|w liście|le|el|il|op|den|em|no dia|dne|dňa|în|på|vào|в|у|від|от|στις"
    r"|mon|tue|wed|thu|fri|sat|sun|wiadomość napisana|" + QUOTING
)
WEEKDAYS: Final = (
    r"mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:rs(?:day)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
    r"|pon|poniedziałek|wt|wtorek|śr|środa|czw|czwartek|pt|piątek|sob|sobota|niedz|niedziela"
    r"|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonnabend|sonntag"
    r"|понедельник|вторник|среда|четверг|пятница|суббота|воскресенье|пн|вт|ср|чт|пт|сб|вс|нд"
    r"|понеділок|вівторок|середа|четвер|пʼятниця|п'ятниця|субота|неділя"
    r"|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|lunes|martes|miércoles|jueves|viernes|sábado|domingo"
    r"|lunedì|martedì|mercoledì|giovedì|venerdì|sabato|domenica|maandag|dinsdag|woensdag|donderdag|vrijdag|zaterdag"
    r"|zondag|segunda|terça|quarta|quinta|sexta|måndag|tisdag|onsdag|torsdag|fredag|lördag|söndag"
)

FROM, DATE, SENT, TO, SUBJECT, OTHER = "from", "date", "sent", "to", "subject", "other"
_FIELD_NAMES: Final = {
    FROM: (
        "from|von|absender|od|od kogo|nadawca|от|от кого|отправитель|від|від кого|відправник|de|expéditeur|da|mittente"
        "|remitente|remetente|van|afzender|från|avsändare|fra|afsender|avsender|lähettäjä|odesílatel|odosielateľ"
        "|feladó|de la|kimden|gönderen|saatja|šalje|pošiljatelj|από|差出人|送信者|发件人|發件人|寄件者|寄件人"
        "|보낸 사람|보낸사람|מאת|من|từ"
    ),
    DATE: (
        "date|datum|data|data wysłania|data i godzina|дата|dato|fecha|päivämäärä|päiväys|dátum|dată|tarih"
        "|ημερομηνία|日付|日期|날짜|ngày"
    ),
    SENT: (
        "sent|sent at|gesendet|gesendet am|wysłano|wysłane|wysłana|wysłany|отправлено|дата отправки|надіслано"
        "|відправлено|envoyé|envoyé le|enviado|enviado el|enviada|enviada em|enviado em|inviato|verzonden"
        "|skickat|sendt|lähetetty|odesláno|odoslané|elküldve|küldve|trimis|gönderildi|gönderilme tarihi|poslano"
        "|στάλθηκε|送信日時|发送时间|發送時間|发送日期|傳送日期|寄件日期|보낸 날짜|received|empfangen|получено"
    ),
    TO: (
        "to|an|empfänger|do|adresat|odbiorca|кому|получатель|одержувач|à|destinataire|para|destinatario|a|aan|till"
        "|til|vastaanottaja|komu|címzett|către|kime|alıcı|saaja|προς|宛先|收件人|收件者|받는 사람|받는사람|אל|đến"
    ),
    SUBJECT: (
        "subject|re|betreff|betrifft|thema|temat|тема|objet|sujet|asunto|oggetto|assunto|onderwerp|ämne|emne|aihe"
        "|předmět|predmet|tárgy|subiect|konu|teema|tema|θέμα|件名|主题|主題|主旨|标题|제목|נושא|chủ đề"
    ),
    OTHER: (
        "cc|bcc|copy|kopie|kopia|dw|udw|do wiadomości|копия|копія|copie|copia|cópia|kopi|kopio|másolat|bilgi|抄送|副本"
        "|참조|reply-to|reply to|antwort an|odpowiedź do|importance|priority|wichtigkeit|priorität|ważność|важность"
        "|attachments|anlagen|załączniki|вложения|organization|cópia para|newsgroups"
    ),
}
#: Name of a header field as mail programs show it -> what it tells.
FIELDS: Final = {name: kind for kind, names in _FIELD_NAMES.items() for name in names.split("|")}
#: Fields that only a mail has; a journey has a from, a to and a date as well.
MAIL_ALONE: Final = frozenset({SENT, SUBJECT})
#: What a mail shows beside its sender, unless his address says that he is one.
ADDRESSING: Final = frozenset({SENT, TO})
#: Senders and addressees of parcels are called so as well; there a mail is known by an address.
PARCEL_FIELDS: Final = (
    "absender|nadawca|отправитель|відправник|expéditeur|mittente|remitente|remetente|afzender|avsändare|afsender"
    "|avsender|lähettäjä|odesílatel|odosielateľ|feladó|gönderen|pošiljatelj|empfänger|adresat|odbiorca|получатель"
    "|одержувач|destinataire|destinatario|vastaanottaja|címzett|alıcı"
)
#: Fields of a web form, which is what its sender wrote now whatever else stands beside them.
FORM_FIELDS: Final = (
    "message|message body|your message|comment|comments|phone|telephone|nachricht|ihre nachricht|telefon|wiadomość"
    "|treść|treść wiadomości|telefon kontaktowy|numer telefonu|сообщение|телефон|текст сообщения|повідомлення"
    "|e-mail|email|e-mail-adresse|adres e-mail|name|vorname|nachname|imię|nazwisko|imię i nazwisko|имя|фио|ім'я|піб"
)

ORIGINALS: Final = (
    "original message|original appointment|original mail|original email|original e-mail|reply message"
    "|ursprüngliche nachricht|originalnachricht|original-nachricht|original nachricht|ursprüngliche e-mail"
    "|ursprüngliche mail|original-mail|originale nachricht"
    "|wiadomość oryginalna|oryginalna wiadomość|pierwotna wiadomość|wiadomość pierwotna|treść oryginalnej wiadomości"
    "|исходное сообщение|оригинальное сообщение|первоначальное сообщение|исходное письмо|оригинальное письмо"
    "|вихідне повідомлення|оригінальне повідомлення|початкове повідомлення|оригінальний лист|вихідний лист"
    "|message d'origine|message d’origine|message original|message initial|e-mail d'origine|courriel original"
    "|mensaje original|correo original|messaggio originale|mensagem original|oorspronkelijk bericht|origineel bericht"
    "|ursprungligt meddelande|originalmeddelande|oprindelig meddelelse|original meddelelse|oprindelig besked"
    "|opprinnelig melding|original melding|alkuperäinen viesti|původní zpráva|původní e-mail|pôvodná správa"
    "|eredeti üzenet|mesaj original|mesajul original|orijinal ileti|orijinal i̇leti|özgün ileti|orijinal mesaj"
    "|özgün mesaj"
    "|izvorna poruka|originalna poruka|izvirno sporočilo|оригинално съобщение|αρχικό μήνυμα"
    "|元のメッセージ|オリジナルメッセージ|原始邮件|原始郵件|回复的原邮件|原始信件|원본 메시지|원본 메일|원본 이메일"
)
FORWARDS: Final = (
    "forwarded message|forwarded mail|forwarded email|forwarded by|begin forwarded message|forwarded from"
    "|weitergeleitete nachricht|weitergeleitete e-mail|weitergeleitete mail|weitergeleitet von"
    "|anfang der weitergeleiteten nachricht|anfang der weitergeleiteten e-mail|beginn der weitergeleiteten nachricht"
    "|treść przekazanej wiadomości|przekazana wiadomość|wiadomość przekazana|wiadomość przesłana dalej"
    "|przesłana wiadomość|początek przekazywanej wiadomości|początek przekazanej wiadomości|przekazane przez"
    "|пересылаемое сообщение|пересланное сообщение|перенаправленное сообщение|пересылаемое письмо|пересланное письмо"
    "|начало переадресованного сообщения|начало пересылаемого сообщения|начало пересланного сообщения"
    "|переслане повідомлення|перенаправлене повідомлення|пересилане повідомлення|переадресоване повідомлення"
    "|початок переадресованого повідомлення|початок пересланого повідомлення|переслано від"
    "|message transféré|message réexpédié|début du message réexpédié|début du message transféré|mail transféré"
    "|mensaje reenviado|inicio del mensaje reenviado|messaggio inoltrato|inizio messaggio inoltrato"
    "|mensagem encaminhada|mensagem reencaminhada|início da mensagem encaminhada|início da mensagem reencaminhada"
    "|doorgestuurd bericht|begin doorgestuurd bericht|vidarebefordrat meddelande|vidarebefordrat brev"
    "|videresendt meddelelse|videresendt besked|videresendt melding|start på videresendt besked"
    "|begynnelse på videresendt melding|välitetty viesti|edelleenlähetetty viesti|välitetty viesti alkaa"
    "|přeposlaná zpráva|začátek přeposílané zprávy|začátek přeposlané zprávy|preposlaná správa|továbbított üzenet"
    "|mesaj redirecționat|yönlendirilen ileti|yönlendirilmiş ileti|iletilen mesaj|proslijeđena poruka"
    "|prosleđena poruka|posredovano sporočilo|препратено съобщение|προωθημένο μήνυμα"
    "|転送メッセージ|转发的邮件|转发邮件|转发邮件信息|轉寄郵件|전달된 메시지|전달된 메일"
)
#: What help desks put above the letter they answer.
REPLY_ABOVE: Final = (
    r"(?:reply|response|write|answer) above this line|reply above the line|above this line to reply"
    r"|(?:powyżej|nad) (?:tej|tą) lini(?:i|ą)|(?:über|oberhalb) dieser (?:linie|zeile)"
    r"|(?:выше|над) этой (?:линии|строки|строкой|чертой|линией)|(?:вище|над) ці(?:єї|єю) (?:лінії|лінією|рисою)"
)

#: A device or a program signs: how the line begins, and words of which one must follow.
SIGNED_FROM: Final = (
    r"sent (?:from|via|with|using)(?: the)?|sent by(?= galaxy)|from(?= my(?: \S+){1,3}$)|composed on"
    r"|typed on|written on"
    r"|gesendet (?:von|vom|mit|aus|über|via)"
    r"|(?:(?:diese )?(?:nachricht|e-mail|mail) wurde|vo[nm])(?=.{3,80} (?:gesendet|verschickt|geschrieben)\b)"
    r"|wysłan[aeoy] (?:z|ze|za pomocą|przez|przy użyciu)|wysyłane z|napisan[aeo] na"
    r"|отправлено (?:с|из|через|при помощи|с помощью)|послано (?:с|из)|написано (?:с|на|в)|отправлен[ао] (?:с|из)"
    r"|надіслано (?:з|із|зі|через|за допомогою)|відправлено (?:з|із|зі|через|за допомогою)|надісланий (?:з|із)"
    r"|envoyé (?:de|depuis|à partir|par|avec|via)|enviad[oa] (?:desde|do|da|de|a partir|por|con|com|via)"
    r"|inviato (?:da|dal|dall|con|tramite)|verzonden (?:vanaf|vanuit|met|via)|verstuurd (?:vanaf|vanuit|met|via)"
    r"|skickat? (?:från|via|med)|sendt? (?:fra|via|med)|lähetetty|odesláno (?:z|ze|pomocí)|odoslané (?:z|zo)"
    r"|elküldve|iphone-?(?:om)?ról|trimis (?:de pe|din)|poslano (?:s|sa|z)"
)
SIGNERS_OWN: Final = r"my|mein|meinem|meiner|moj|mój|моего|моєї|мого|мое|моё|mon|mi|meu|min|mijn|moje|mojej"
SIGNERS: Final = (
    r"(?:mail\.ru|wp|o2|sony|htc|ios|aol|fastmail|superhuman|boxer|edison|realme)(?!\w)"
    r"|(?:mail\]|mail|mailbird|front|nine|canary|komórki|the go)$|(?:mail|handy)[ -]app$"
    r"|applicat|(?:\w{1,12}\W{1,3}){0,3}proton"
    r"|mail (?:for|pour|für|per|para|voor|dla|для)|poczt[ya] (?:wp|onet|o2|interia|gmail|outlook|home|dla|windows)"
    r"|posta per|почты(?! россии| рф)|пошти(?! росії)|iphon|ipad|ipod|imac|apple|android|samsung|galaxy|huawei|honor"
    r"|xiaomi|redmi|oppo|pixel|nokia|motorola|blackberry|windows|outlook|office|yahoo|gmail|gmx|web\.de|t-online"
    r"|proton|tuta|airmail|mailbox|spark|aquamail|bluemail|k-9|thunderbird|typeapp|onet|interia|aplikacj|urządze"
    r"|telefon|smartfon|smartphone|tablet|unterwegs|handy|mobil|phone|cell|device|gerät|яндекс|устройств|телефон"
    r"|смартфон|планшет|приложени|додат|мобильн|мобільн|пристро|laptop|computer|komputer|laitteesta|puhelimesta"
)
SIGNED_WHOLE: Final = (
    r"(?:get|download) \[?outlook(?= for| mobile|\W{0,5}$)|(?:pobierz|uzyskaj) (?:aplikację |program )?outlook"
    r"|(?:скачать|скачайте|получить|получите|загрузить) outlook"
    r"|(?:отримати|отримайте|завантажити) outlook|(?:holen|laden) sie (?:sich )?outlook|outlook für (?:ios|android)"
    r"|(?:télécharger|obtenir) outlook|obten(?:er|ga) outlook|obter o? ?outlook|(?:ottieni|scarica) outlook"
    r"|(?:hämta|hent|skaff|hanki|získat|získejte|stáhnout) outlook|outlook voor (?:ios|android)"
    r"|发自我的|從我的 .{2,20}(?:傳送|寄出)|从我的|(?:iphone|ipad)から送信|나의 .{2,20}에서 보냄"
    r"|.{2,20}(?:dan|den) gönderildi"
    r"|vir(?:us-free|enfrei)(?=\W{0,3}(?:www|$))|wolny od wirusów|bez wirusów"
    r"|без вирусов|без вірусів|garanti sans virus"
    r"|(?:this|diese|ten) e-?mail (?:has been|was|wurde|został) (?:(?:checked|scanned) (?:for|by (?:avast|avg|eset))"
    r"|von avast|sprawdzony)"
    r"|(?:простите|извините) за краткость|вибачте за стислість|please excuse (?:my )?(?:brevity|typos)"
    r"|get (?:bluemail|typeapp|aqua ?mail) for|(?:sent on the go|mobil gesendet|von unterwegs gesendet)\W{0,3}$"
)
#: How the links of such programs begin, which stand on lines of their own.
SIGNED_LINKS: Final = ("https://www.avast.com/sig-email", "#dab4fad8-", "virus-free.www.", "virenfrei.www.")
#: Whoever has one of these in such a line says something.
SIGNED_NEVER: Final = (
    r"nie|tylko|nicht|nur|kein\w{0,2}|ich|не|нет|только|немає|лише|тільки|not|never|only|\w{2,6}n['’]t"
)
#: First words of all these lines, which are looked up before anything is matched.
SIGNED_FIRST_WORDS: Final = (
    "sent from composed typed written von vom gesendet diese nachricht wysłana wysłane wysłano wysłany wysyłane"
    " napisana napisane napisano отправлено отправлен отправлена послано написано надіслано надісланий відправлено"
    " envoyé enviado enviada inviato verzonden verstuurd skicka skickat send sendt lähetetty odesláno odoslané elküldve"
    " trimis poslano get download pobierz скачать получить загрузить отримати завантажити holen laden outlook"
    " télécharger obtenir obtener obter ottieni scarica hämta hent skaff hanki získat získejte stáhnout obtenga uzyskaj"
    " скачайте получите отримайте virus-free virenfrei"
    " virus-free. virenfrei. wolny bez без garanti this diese ten простите извините вибачте please e-mail mail"
    " iphone'umdan ipad'imden iphone'dan ipad'den iphoneから送信 ipadから送信 samsung mobil"
)

#: How a letter begins.
GREETINGS: Final = (
    r"hello|hi|hey|dear|good (?:morning|afternoon|evening|day)|to whom it may concern"
    r"|dzień dobry|dobry wieczór|witam|cześć|szanown[aiey]|drodzy"
    r"|hallo|guten (?:tag|morgen|abend)|sehr geehrte[rs]?|liebe[rs]?|moin|servus|grüß gott"
    r"|здравствуйте|добр(?:ый|ое|ого|ий) (?:день|вечер|утро|дня|вечір)|уважаем\w{2}|привет"
    r"|доброго дня|вітаю|шановн\w{1,2}"
)
#: How a letter ends; programs put such an end above what somebody only forwards.
SIGN_OFFS: Final = (
    r"(?:serdecznie )?pozdrawia(?:m|my)(?: serdecznie)?|(?:serdeczne )?pozdrowienia"
    r"|z (?:wyrazami (?:szacunku|poważania)|poważaniem|pozdrowieniami|szacunkiem)"
    r"|(?:łączę wyrazy|pozostaję z wyrazami) szacunku"
    r"|mit (?:freundlichen|besten|lieben|herzlichen) gr(?:ü|ue)(?:ß|ss)en|mfg"
    r"|(?:viele|beste|liebe|herzliche|freundliche|schöne) gr(?:ü|ue)(?:ß|ss)e|hochachtungsvoll"
    r"|(?:kind|best|warm|warmest)(?: regards| wishes)|regards|sincerely(?: yours)?|yours (?:sincerely|faithfully|truly)"
    r"|с (?:уважением|наилучшими пожеланиями)|всего (?:доброго|хорошего)"
    r"|(?:з|із) (?:повагою|найкращими побажаннями)|усього найкращого"
)

#: What many put in place of it.
THANKS: Final = (
    r"(?:z góry |bardzo )?dziękuj[ęe](?:my)?(?: z góry| bardzo)?|dzięki"
    r"|danke|(?:vielen |besten |herzlichen )?dank(?: im voraus)?|(?:many )?thanks(?: in advance)?"
    r"|thank you(?: in advance| very much)?|(?:большое |заранее )?спасибо"
    r"|благодарю|(?:щиро )?дякую"
)
#: Who says so answers inside the letter that stands below, which then is not what was there before: what, and where.
ANSWERS_SAID: Final = (
    r"my (?:answers|replies|comments|remarks|responses)|(?<!your )(?:answers|replies)"
    r"|i(?:'ve| have)? (?:answered|replied|commented)"
    r"|(?<!państwa )(?<!twoje )(?<!wasze )odpowiedzi|odpowiadam|odpowiedział[ae]m"
    r"|odpis(?:ał[ae]m|uję)|(?:do|w)pisał[ae]m"
    r"|(?<!ihre )(?<!eure )antworten|ich (?:antworte|beantworte)"
    r"|ich habe(?= [^.!?]{0,60} (?:ge|be)antwortet)|habe ich(?= [^.!?]{0,60} (?:ge|be)antwortet)"
    r"|(?<!ваши )ответы|отвечаю|ответила?|вписала?|(?<!ваші )відповіді|відповідаю|відпові(?:ла|в)"
)
ANSWERED_THERE: Final = (
    r"below|in-?line|in the text|in (?:red|blue|green|bold|capitals|colou?r)|poniżej|niżej|w treści|w tekście"
    r"|na (?:czerwono|niebiesko|zielono)|(?:czerwonym|innym) kolorem|unten|im text|in (?:rot|blau|grün)"
    r"|ниже|в тексте|внутри письма|красным|синим|нижче|[ву] тексті|червоним|синім"
)

#: A legal notice: what its first words are about, what else it speaks of.
NOTICE_OPENS: Final = (
    r"(?:confidentiality|legal|privacy|important) (?:notice|note|information)|disclaimer|confidential|privileged"
    r"|(?:important|notice|note): (?:this|the) (?:contents?|information|e-?mail|message|communication)"
    r"|th(?:is|e) (?:information|contents?|e-?mail|message|communication|transmission|electronic)"
    r"|(?:the )?information (?:contained|in)|any (?:views|opinions)|if you (?:are not|have received)"
    r"|(?:niniejsz[aeyi](?!m)|ta|treść|informacj[aei]|uwaga|wiadomość|zastrzeżenie|klauzula|jeśli nie|jeżeli nie)"
    r"|(?:diese|der inhalt|die (?:in dieser|informationen)|vertraulichkeit|(?:wichtiger )?hinweis|haftungsausschluss)"
    r"|(?:это|данное|настоящее|эта|информация|содержание|внимание|конфиденциальн|уведомление|если вы)"
    r"|(?:це|цей|дане|ця|інформація|увага|конфіденційн|зміст|якщо ви)"
    r"|(?:ce|le|les|avis|l'information)|(?:este|esta|la|el|aviso|as|o)|(?:il|questo|questa|le|la|avviso)"
    r"|(?:dit|de|deze)"
    r"|(?:detta|denna|denne|dette|tämä|tento|tato)"
)
NOTICE_CONFIDENTIAL: Final = (
    r"confidential|privileged|poufn|zastrzeżon|vertraulich|конфиденциальн|конфіденційн|confidentiel|confidencial"
    r"|riservat|confidenziali|vertrouwelijk|konfidenti|fortrolig|luottamuksell|důvěrn|legally protected|rechtlich gesch"
    r"|otrzyma(?:liście|łeś|li państwo|ł pan|ła pani|ł/a pan).{0,40}(?:pomyłk|omyłk)"
)
NOTICE_FOR: Final = (
    r"intended|addressee|recipient|adresat|odbiorc|przeznaczon|empfänger|adressat|bestimmt|адресат|получател"
    r"|предназначен|вы получили .{0,40}по ошибке|ви отримали .{0,40}помилково|you (?:have )?received .{0,40}in error"
    r"|одержувач|отримувач|призначен|destinat|geadresseerde|bestemd|mottagare|modtager|mottaker|vastaanottaj|určen"
)
#: Who speaks of himself complains of what others were to keep secret; a notice speaks to its reader.
NOTICE_NEVER: Final = (
    r"I|I['’]m|(?i:my|ich|mein(?:e[mnrs]?)?|für mich|mój|moj\w{1,3}|moi(?:m|ch)|dla mnie|[a-ząćęłńóśźż]{3,}ł[ea]m|żądam"
    r"|я|мо(?:й|я|[её]|и|его|ей|им|их)|для меня|мій|мо(?:є|ї|єї|їм|їх)|для мене)"
)
#: Nor is it a notice that speaks of goods and money.
NOTICE_GOODS: Final = (
    r"parcel|package|refund|goods(?!\w)|paczk|paczek|zamówieni|reklamacj|pieni[ąę]|paket|bestellung|ware(?!\w)|посыл(?:к|ок)"
    r"|заказ|деньги|груз(?!\w*к)|посил(?:к|ок)|замовлен|гроші|вантаж"
)
#: What stands alone above a notice, and what companies must say of themselves, as some do below it.
NOTICE_HEADS: Final = (
    r"(?:legal |e-?mail )?disclaimer|confidentiality (?:notice|note)|(?:legal|important) notice"
    r"|zastrzeżenie(?: prawne| poufności)?|klauzula poufności|poufność|haftungsausschluss|vertraulichkeitshinweis"
    r"|(?:rechtlicher|wichtiger) hinweis|уведомление о конфиденциальности|конфиденциальность"
    r"|застереження|конфіденційність|повідомлення про конфіденційність"
)
COMPANY: Final = (
    r"registered (?:in|office)|company (?:no|number|registration)|krs\b|regon\b|kapitał zakładowy|hrb ?\d|amtsgericht"
    r"|handelsregister|geschäftsführ|sitz der gesellschaft|огрн|єдрпоу"
)
NOTICE_WHOLE: Final = (
    r"(?:please )?(?:consider|think (?:of|about)) the environment before"
    r"|(?:pomyśl o środowisku|zanim wydrukujesz (?:ten|tę|tą|tego|e-?mail|wiadomoś)|(?:proszę )?pomyśl,? zanim)"
    r"|(?:bitte )?(?:denken sie an die umwelt|schonen sie die umwelt)"
    r"|(?:bitte )?prüfen sie,?(?: der umwelt zuliebe,?)? ob (?=.{0,80}(?:mail|nachricht)).{0,70}druck"
    r"|(?:пожалуйста,? |будь ласка,? )?подумайте (?:об окружающей|про довкілля)|берегите природу"
    r"|прежде чем (?:рас)?печатать (?:это|данн|письмо|сообщение)|перш ніж (?:роз)?друкувати (?:це|лист|повідомлен)"
    r"|(?:informujemy,? że )?administratorem .{0,40}danych osobowych jest"
    r"|klauzula informacyjna .{0,60}(?:dostępna|znajduje|pod adresem)"
    r"|(?:informationen|hinweise) zu.{0,100}art\. ?1[34]\b.{0,12}dsgvo"
    r"|you (?:are )?receiv(?:ed|ing) this (?:message|e-?mail|mail) because|to unsubscribe from this"
    r"|(?:otrzymujesz|otrzymałeś) t[ęe] wiadomość,? ponieważ|вы получили это (?:письмо|сообщение),? (?:потому|так как)"
)
