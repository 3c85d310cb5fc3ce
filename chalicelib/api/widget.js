// The chat widget of a shop's page: <script src=".../v1/widget.js" data-installation="shop-page" async></script>
// data-visitor: {"id", "name"?, "email"?, "hash"} of a customer whom the shop's server proves; data-lang: instead of
// the page's; data-api: where /v1/widget/ is, if not beside this file.
(() => {
  "use strict";
  if (document.querySelector("sortownia-chat")) return; // the page has this script twice
  const script = document.currentScript, { installation, visitor: proved, lang, api } = script.dataset;
  const visitor = proved ? JSON.parse(proved) : null;
  const base = new URL(`${installation}/`, new URL(api || "widget/", script.src));
  const place = `sortownia/${installation}/${visitor ? encodeURIComponent(visitor.id) : ""}`;

  const WORDS = ["title", "close", "write", "send", "hello", "you", "agent", "sending", "sent", "failed", "again",
    "refused", "away", "fresh", "unproved", "long"];
  const LANGUAGES = {
    en: "Chat with us|Close|Your message|Send|Hello! How can we help?|You|Agent|Sending…|Sent|Not sent yet|Try again|Cannot be sent|The chat cannot be reached at the moment.|New messages|We could not confirm who you are. Please sign in again.|Please shorten your message to 5000 characters.",
    pl: "Napisz do nas|Zamknij|Twoja wiadomość|Wyślij|Dzień dobry! W czym możemy pomóc?|Ty|Konsultant|Wysyłanie…|Wysłano|Jeszcze nie wysłano|Spróbuj ponownie|Nie można wysłać|Czat jest teraz nieosiągalny.|Nowe wiadomości|Nie udało się potwierdzić, kim jesteś. Zaloguj się ponownie.|Skróć wiadomość do 5000 znaków.",
    de: "Chat|Schließen|Ihre Nachricht|Senden|Guten Tag! Wie können wir helfen?|Sie|Kundendienst|Wird gesendet…|Gesendet|Noch nicht gesendet|Erneut versuchen|Kann nicht gesendet werden|Der Chat ist gerade nicht erreichbar.|Neue Nachrichten|Wir konnten nicht bestätigen, wer Sie sind. Bitte melden Sie sich neu an.|Bitte kürzen Sie Ihre Nachricht auf 5000 Zeichen.",
    ru: "Напишите нам|Закрыть|Ваше сообщение|Отправить|Здравствуйте! Чем помочь?|Вы|Оператор|Отправляется…|Отправлено|Ещё не отправлено|Повторить|Не удалось отправить|Чат сейчас недоступен.|Новые сообщения|Не удалось подтвердить, кто вы. Войдите ещё раз.|Сократите сообщение до 5000 символов.",
    uk: "Напишіть нам|Закрити|Ваше повідомлення|Надіслати|Вітаємо! Чим допомогти?|Ви|Оператор|Надсилається…|Надіслано|Ще не надіслано|Повторити|Не вдалося надіслати|Чат зараз недоступний.|Нові повідомлення|Не вдалося підтвердити, хто ви. Увійдіть ще раз.|Скоротіть повідомлення до 5000 символів.",
  };
  const asked = (lang || document.documentElement.lang).slice(0, 2).toLowerCase();
  const language = LANGUAGES[asked] ? asked : "en", text = {};
  LANGUAGES[language].split("|").forEach((words, n) => { text[WORDS[n]] = words; });

  const STYLE = `
    :host { all: initial !important; position: fixed !important; inset: auto 16px 16px auto !important;
      z-index: 2147483647 !important; font: 16px/1.4 system-ui, sans-serif !important; color: #1a1a1a !important }
    [hidden] { display: none !important }
    .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
    button, textarea { font: inherit }
    button { cursor: pointer; min-height: 44px; padding: 0 16px; border: 0; border-radius: 8px; background: #0b57a4; color: #fff }
    :focus-visible { outline: 3px solid #b35c00; outline-offset: 2px }
    header :focus-visible { outline-color: #fff; outline-offset: -6px }
    .launch { border-radius: 22px; box-shadow: 0 2px 8px #0006 }
    .panel { width: min(360px, calc(100vw - 32px)); height: min(520px, calc(100vh - 32px)); display: flex;
      flex-direction: column; background: #fff; border: 1px solid #767676; border-radius: 12px; box-shadow: 0 4px 24px #0004 }
    header { display: flex; align-items: center; justify-content: space-between; padding: 4px 4px 4px 16px;
      background: #0b57a4; color: #fff; border-radius: 11px 11px 0 0 }
    h2 { margin: 0; font-size: 1.1em }
    .log { flex: 1; overflow-y: auto; padding: 12px; display: flex; flex-direction: column; gap: 8px }
    .line { max-width: 85%; flex: none; padding: 8px 12px; border-radius: 12px; background: #eef1f5; align-self: flex-start }
    .line.visitor { background: #d9e9fb; align-self: flex-end }
    .line p { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere }
    .line small { color: #4a4a4a }
    .line button { min-height: 24px; padding: 0 4px; background: none; color: #0b57a4; text-decoration: underline }
    .state { margin: 0; padding: 0 12px; color: #8a1c1c }
    form { display: flex; gap: 8px; padding: 12px; border-top: 1px solid #ccc }
    textarea { flex: 1; min-width: 0; resize: none; padding: 8px; border: 1px solid #767676; border-radius: 8px;
      background: #fff; color: inherit }
    @media (prefers-reduced-motion: no-preference) { .panel { animation: rise .15s } @keyframes rise { from { opacity: 0 } } }
    @media (prefers-contrast: more) { .line { border: 1px solid } .line small { color: #000 } }
    @media (forced-colors: active) { button, .line { border: 1px solid } }`;

  // What this browser remembers for all tabs of the visitor: the key of his conversation, and what is on its way. Each
  // thing stands for itself: two tabs that write at once must not undo each other.
  const here = {}; // what the browser's storage has no place for, or all of it where there is none
  const stored = (look, none) => { try { return look(localStorage); } catch { return none; } };
  const parsed = (name) => {
    try { return JSON.parse(here[name] ?? stored((box) => box.getItem(name), null)); } catch { return null; }
  };
  const put = (name, value) => {
    here[name] = JSON.stringify(value);
    stored((box) => { box.setItem(name, here[name]); delete here[name]; });
  };
  const get = (name) => parsed(`${place}/${name}`);
  const set = (name, value) => put(`${place}/${name}`, value);
  const keep = (one) => put(`${place}#${one.id}`, one);
  const forget = (id) => { delete here[`${place}#${id}`]; stored((box) => box.removeItem(`${place}#${id}`)); };
  const waiting = () => [...new Set([...stored(Object.keys, []), ...Object.keys(here)])]
    .filter((name) => name.startsWith(`${place}#`)).map(parsed).filter(Boolean)
    .sort((one, other) => one.since - other.since);
  const soon = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });

  // Sessions and calls

  let token = "", ends = 0, conversation = "", refused = false;
  // A phone between two networks may never hear of an answer: after a while the call has failed, its answer's body too.
  const ask = (path, how) => {
    const late = new AbortController();
    setTimeout(() => late.abort(), 20000);
    return fetch(new URL(path, base), { credentials: "omit", signal: late.signal, ...how });
  };
  const post = (path, body, headers) => ask(path, { method: "POST",
    headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(body) });
  const begin = async () => {
    const key = get("key");
    let answer = await post("session", visitor ? { visitor } : key ? { key } : {});
    if (answer.status === 401 && key && !visitor) answer = await post("session", {}); // he was away too long
    refused = answer.status === 401;
    if (!answer.ok) throw new Error(`session ${answer.status}`);
    const session = await answer.json();
    token = session.token;
    ends = Date.now() + 1000 * (session.expires_in - 60);
    const another = session.conversation !== get("conversation");
    if (another) set("seen", 0);
    set("key", session.key);
    set("conversation", session.conversation);
    turnTo(session.conversation);
    if (another) await soon(200); // until other tabs see it
  };
  // Of two tabs that begin at once the second joins the first one's conversation.
  const session = () => (navigator.locks ? navigator.locks.request(place, begin) : begin());
  const call = async (how) => {
    for (let fresh = false; ; fresh = true) {
      if (fresh || !token || Date.now() > ends) await session();
      const answer = await how({ Authorization: `Bearer ${token}` });
      if (answer.status !== 401 || fresh) return answer;
    }
  };

  // What is shown. Whatever anybody wrote is text: nothing here is ever read as HTML.

  const make = (name, { role, label, ...plain } = {}, ...inside) => {
    const made = Object.assign(document.createElement(name), plain);
    if (role) made.setAttribute("role", role);
    if (label) made.setAttribute("aria-label", label);
    made.append(...inside);
    return made;
  };
  const host = make("sortownia-chat", { lang: language }), root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  root.adoptedStyleSheets = [sheet];
  const launch = make("button", { className: "launch", type: "button", textContent: text.title });
  const close = make("button", { className: "close", type: "button", label: text.close, textContent: "✕" });
  const log = make("div", { role: "log", label: text.title, className: "log", tabIndex: 0 });
  const state = make("p", { role: "status", className: "state" }), news = make("span", { role: "status", className: "unseen" });
  const input = make("textarea", { id: "text", rows: 2 });
  const form = make("form", {}, make("label", { className: "unseen", htmlFor: "text", textContent: text.write }), input,
    make("button", { textContent: text.send }));
  const panel = make("div", { role: "dialog", label: text.title, className: "panel", hidden: true },
    make("header", {}, make("h2", { textContent: text.title }), close), log, state, form);
  log.setAttribute("aria-live", "polite");
  launch.setAttribute("aria-haspopup", "dialog");
  root.append(launch, news, panel);

  let after = 0;
  const lines = new Map();
  const line = ({ id, by, text: words, at }) => {
    const info = make("small"), own = by === "visitor";
    const made = make("div", { className: own ? "line visitor" : "line" },
      make("span", { className: "unseen", textContent: `${own ? text.you : text.agent}: ` }),
      make("p", { textContent: words, dir: "auto" }), info);
    const next = at && [...lines.values()].find((other) => other.pending);
    if (at) info.textContent = new Date(at).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });
    if (lines.has(id)) lines.get(id).made.remove();
    lines.set(id, { made, info, pending: own && !at });
    log.insertBefore(made, next && next.made.isConnected ? next.made : null);
    log.scrollTop = log.scrollHeight;
  };
  const showWaiting = () => waiting().forEach((one) => {
    if (!lines.has(one.id)) line({ ...one, by: "visitor" });
    const { info, pending } = lines.get(one.id);
    if (!pending) return forget(one.id);
    info.textContent = text[one.status];
    if (one.status === "failed") info.append(" ", make("button", { type: "button", textContent: text.again, onclick: () => work() }));
    log.scrollTop = log.scrollHeight;
  });
  const show = (told) => {
    told.forEach(line);
    if (told.length) after = told[told.length - 1].seq;
    told.forEach(({ id }) => forget(id));
    if (told.length) set("talked", true);
    const looking = !panel.hidden && !document.hidden, seen = get("seen") || 0;
    if (looking && seen < after) set("seen", after);
    if (looking || told.some((one) => one.by === "agent" && one.seq > seen)) {
      launch.textContent = looking ? text.title : `${text.title} ●`;
      news.textContent = looking ? "" : text.fresh;
    }
  };
  const turnTo = (name) => {
    if (name === conversation) return;
    conversation = name;
    after = 0;
    lines.clear();
    log.textContent = "";
    line({ by: "agent", text: visitor && visitor.name ? `${visitor.name}, ${text.hello}` : text.hello });
    showWaiting();
  };

  // At work: send what waits, read what is new, and again after a while

  const tab = Math.random();
  let timer, busy = false, again = false, failures = 0, lively = 0;
  const pause = () => (document.hidden ? 30000 : panel.hidden ? 15000 : Date.now() - lively > 300000 ? 10000 : 2500);
  const due = ({ status, tab: whose, since }) => !["sent", "refused"].includes(status) && (whose === tab || Date.now() - since > 15000);
  const send = async () => {
    for (const one of waiting().filter(due)) {
      const said = { id: one.id, text: one.text };
      const answer = await call((headers) => post("messages", said, headers)).catch(() => ({}));
      const status = answer.ok ? "sent" : answer.status === 400 ? "refused" : "failed";
      keep({ ...one, status });
      showWaiting();
      if (status === "failed") throw new Error("not sent");
    }
  };
  const read = async () => {
    for (let more = true; more;) {
      const answer = await call((headers) => ask(`replies?after=${after}`, { headers }));
      if (!answer.ok) throw new Error(`replies ${answer.status}`);
      const { replies } = await answer.json();
      if (replies.length) lively = Date.now();
      show(replies);
      more = replies.length === 100;
    }
  };
  const work = async () => {
    clearTimeout(timer);
    again = busy;
    if (busy || (panel.hidden && !get("talked"))) return;
    busy = true;
    try {
      await send();
      await read();
      failures = 0;
      state.textContent = "";
    } catch {
      failures = Math.min(failures + 1, 5);
      state.textContent = refused ? text.unproved : text.away;
    }
    busy = false;
    timer = setTimeout(work, again ? 0 : pause() * 2 ** failures);
  };

  const turn = (open, focus = true) => {
    panel.hidden = !open;
    launch.hidden = open;
    set("open", open);
    if (focus) (open ? input : launch).focus();
    lively = Date.now();
    show([]);
    work();
  };
  launch.onclick = () => turn(true);
  close.onclick = () => turn(false);
  panel.onkeydown = (event) => {
    event.stopPropagation(); // to the page this is no text field: its shortcuts would eat letters
    if (event.key === "Escape") turn(false);
  };
  panel.onkeypress = panel.onkeyup = (event) => event.stopPropagation();
  // Not by maxLength, which silently cuts off the end of what is pasted.
  input.oninput = () => input.setCustomValidity(input.value.length > 5000 ? text.long : "");
  input.onkeydown = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  };
  form.onsubmit = (event) => {
    event.preventDefault();
    if (!input.value.trim()) return;
    lively = Date.now();
    waiting().filter((one) => one.status === "sent" && lively - one.since > 600000).forEach((one) => forget(one.id));
    const id = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    keep({ id, text: input.value, status: "sending", tab, since: lively });
    set("talked", true);
    input.value = "";
    showWaiting();
    work();
  };
  addEventListener("online", () => { failures = 0; work(); });
  document.addEventListener("visibilitychange", () => { show([]); work(); });
  addEventListener("storage", (event) => {
    if (!event.key || !event.key.startsWith(place)) return;
    if (token && get("conversation") !== conversation) token = "";
    showWaiting();
    work();
  });

  const start = () => {
    document.body.append(host);
    turnTo("none yet");
    if (get("open")) turn(true, false); else work();
  };
  if (document.body) start(); else addEventListener("DOMContentLoaded", start);
})();
