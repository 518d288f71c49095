// Frontdesk web chat: <script src="https://…/webchat/widget.js" data-phone-number="UUID" async></script>
(() => {
"use strict";
const script = document.currentScript;
const BASE = new URL(".", script ? script.src : location.href).href;
const BACK_OFF_MS_MAX = 30000, SILENCE_MS_MAX = 40000, DRAFT_MS_MAX = 45000, TEXT_MAX = 4000;
const RTL = /^(ar|fa|he|ur)\b/;
const WORDS = {
  en: { title: "Chat", open: "Open chat", close: "Close chat", unread: "unread", write: "Write a message", send: "Send",
    typing: "Writing …", connecting: "Connecting …", offline: "No connection. Trying again …",
    refused: "The chat is not available on this page.", failed: "Could not be sent", you: "You", agent: "Answer", sending: "Sending …" },
  es: { title: "Chat", open: "Abrir el chat", close: "Cerrar el chat", unread: "sin leer", write: "Escribe un mensaje", send: "Enviar",
    typing: "Escribiendo …", connecting: "Conectando …", offline: "Sin conexión. Reintentando …",
    refused: "El chat no está disponible en esta página.", failed: "No se pudo enviar", you: "Tú", agent: "Respuesta", sending: "Enviando …" },
  pt: { title: "Chat", open: "Abrir o chat", close: "Fechar o chat", unread: "não lidas", write: "Escreva uma mensagem", send: "Enviar",
    typing: "Escrevendo …", connecting: "Conectando …", offline: "Sem conexão. Tentando de novo …",
    refused: "O chat não está disponível nesta página.", failed: "Não foi possível enviar", you: "Você", agent: "Resposta", sending: "Enviando …" },
  ar: { title: "محادثة", open: "فتح المحادثة", close: "إغلاق المحادثة", unread: "غير مقروءة", write: "اكتب رسالة", send: "إرسال",
    typing: "يكتب …", connecting: "جارٍ الاتصال …", offline: "لا يوجد اتصال. تجري المحاولة …",
    refused: "المحادثة غير متاحة في هذه الصفحة.", failed: "تعذّر الإرسال", you: "أنت", agent: "الرد", sending: "جارٍ الإرسال …" },
};
const CSS_TEXT = `
:host { --color: var(--frontdesk-color, #2456d6); --on-color: var(--frontdesk-on-color, #fff);
  --back: var(--frontdesk-background, #fff); --text: var(--frontdesk-text, #1b1f27); --soft: var(--frontdesk-soft, #eef1f6);
  --line: var(--frontdesk-line, #d9dee7); --quiet: var(--frontdesk-quiet, #5a6372); --round: var(--frontdesk-radius, 18px);
  position: fixed; z-index: var(--frontdesk-z-index, 2147483000); bottom: max(20px, env(safe-area-inset-bottom)); inset-inline-end: 20px;
  font: 15px/1.45 var(--frontdesk-font, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif); color: var(--text); }
:host([position="left"]) { inset-inline: 20px auto; }
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; }
button, textarea { font: inherit; color: inherit; }
button { cursor: pointer; border: 0; padding: 0; display: grid; place-items: center; }
:focus-visible { outline: 3px solid var(--color); outline-offset: 2px; }
svg { width: 24px; height: 24px; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.launcher { position: relative; width: 58px; height: 58px; margin-inline-start: auto; border-radius: 50%; background: var(--color); color: var(--on-color);
  box-shadow: 0 6px 20px rgb(0 0 0 / .24); transition: transform .15s; }
.launcher:hover { transform: scale(1.05); }
.badge { position: absolute; top: -4px; inset-inline-end: -4px; min-width: 22px; height: 22px; padding: 0 6px; border-radius: 11px;
  background: #c62828; color: #fff; font-size: 13px; font-weight: 600; line-height: 22px; }
.panel { display: flex; flex-direction: column; width: 380px; max-width: calc(100vw - 40px); height: min(600px, calc(100vh - 120px)); margin-bottom: 14px;
  overflow: hidden; background: var(--back); border: 1px solid var(--line); border-radius: var(--round); box-shadow: 0 14px 44px rgb(0 0 0 / .22);
  animation: rise .18s ease-out; }
header { display: flex; align-items: center; gap: 10px; padding: 12px 12px 12px 18px; background: var(--color); color: var(--on-color); }
h2 { flex: 1; margin: 0; font-size: 16px; font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
header button { width: 36px; height: 36px; border-radius: 50%; background: transparent; }
header button:hover { background: rgb(0 0 0 / .16); }
header :focus-visible, .launcher:focus-visible { outline-color: var(--on-color); outline-offset: -5px; }
.state { padding: 6px 18px; background: var(--soft); color: var(--quiet); font-size: 13px; }
.scroll { flex: 1; overflow-y: auto; overscroll-behavior: contain; padding: 16px 14px; }
.log, .drafts { display: flex; flex-direction: column; gap: 8px; }
.drafts:not(:empty) { margin-top: 8px; }
.bubble { max-width: 84%; padding: 9px 13px; border-radius: 16px; overflow-wrap: anywhere; align-self: flex-start; background: var(--soft);
  border-end-start-radius: 5px; }
.mine { align-self: flex-end; white-space: pre-wrap; background: var(--color); color: var(--on-color); border-radius: 16px; border-end-end-radius: 5px; }
.note { align-self: flex-end; margin-top: -4px; font-size: 12px; color: var(--quiet); }
.bubble > *, .bubble > .hidden + * { margin: 0; } .bubble > * + * { margin-top: 7px; }
.bubble ul, .bubble ol { padding-inline-start: 22px; }
.bubble a { color: inherit; text-decoration: underline; text-underline-offset: 2px; }
code { font: .9em ui-monospace, Menlo, Consolas, monospace; background: rgb(128 128 128 / .18); border-radius: 4px; padding: 1px 4px; }
pre { overflow-x: auto; padding: 8px 10px; border-radius: 8px; background: rgb(128 128 128 / .18); } pre code { background: none; padding: 0; }
.dots { display: flex; gap: 5px; padding: 14px; }
.dots i { width: 7px; height: 7px; border-radius: 50%; background: var(--quiet); animation: blink 1.2s infinite; }
.dots i:nth-child(2) { animation-delay: .2s; } .dots i:nth-child(3) { animation-delay: .4s; }
form { display: flex; align-items: flex-end; gap: 8px; padding: 10px 12px; padding-bottom: 12px; border-top: 1px solid var(--line); }
textarea { flex: 1; resize: none; max-height: 132px; padding: 10px 14px; border: 1px solid var(--quiet); border-radius: 20px; background: var(--back);
  font-size: 16px; line-height: 1.35; }
textarea:focus-visible { outline-width: 2px; outline-offset: -2px; }
textarea::placeholder { color: var(--quiet); opacity: 1; }
form button { flex: none; width: 42px; height: 42px; border-radius: 50%; background: var(--color); color: var(--on-color); }
form button svg { width: 20px; height: 20px; } :host([dir="rtl"]) form svg { transform: scaleX(-1); }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@keyframes rise { from { opacity: 0; transform: translateY(12px); } }
@keyframes blink { 0%, 60%, 100% { opacity: .3; } 30% { opacity: 1; } }
@media (prefers-color-scheme: dark) { :host { --back: var(--frontdesk-background-dark, #171a21); --text: var(--frontdesk-text-dark, #eceff4);
  --soft: var(--frontdesk-soft-dark, #272c37); --line: var(--frontdesk-line-dark, #343b48); --quiet: var(--frontdesk-quiet-dark, #a3adbd); } }
@media (max-width: 480px) {
  :host([open]) { inset: 0 !important; }
  :host([open]) .launcher { display: none; }
  .panel { width: 100%; max-width: none; height: 100vh; height: 100dvh; margin: 0; border: 0; border-radius: 0; }
  header { padding-top: max(12px, env(safe-area-inset-top)); }
  form { padding-bottom: max(12px, env(safe-area-inset-bottom)); }
}
@media (prefers-reduced-motion: reduce) { *, .launcher { animation: none !important; transition: none !important; } }`;
const ICONS = {
  chat: "M21 12a8 8 0 0 1-8 8H4l1.6-3.2A8 8 0 1 1 21 12Z", close: "M6 6l12 12M18 6L6 18", send: "M4 12h15M13 5l7 7-7 7",
};

// --- building nodes: nothing here ever parses HTML

function node(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name in made) made[name] = value; else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}
function icon(name) {
  const space = "http://www.w3.org/2000/svg", svg = document.createElementNS(space, "svg"), path = document.createElementNS(space, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}
function link(href, children) {
  let url = null;
  try { url = new URL(href); } catch { /* no address at all */ }
  if (!url || !["http:", "https:", "mailto:"].includes(url.protocol)) return children;
  return [node("a", { href: url.href, target: "_blank", rel: "noopener noreferrer" }, ...children)];
}
const INLINE = /`([^`]+)`|\*\*(\S(?:.*?\S)?)\*\*|__(\S(?:.*?\S)?)__|(?<![\w*])\*(?![\s*])(.*?\S)\*(?!\w)|(?<!\w)_(?![\s_])(.*?\S)_(?!\w)|\[([^\]]+)\]\(([^\s()]+)\)|(https?:\/\/[^\s<>"')\]]*[^\s<>"')\].,;:!?])/g;
function inline(text, depth = 0) {
  const made = [];
  let end = 0;
  for (const found of depth > 4 ? [] : text.matchAll(INLINE)) {
    const [all, code, bold, bold2, italic, italic2, label, href, address] = found;
    made.push(text.slice(end, found.index));
    if (code) made.push(node("code", {}, code));
    else if (bold || bold2) made.push(node("strong", {}, ...inline(bold || bold2, depth + 1)));
    else if (italic || italic2) made.push(node("em", {}, ...inline(italic || italic2, depth + 1)));
    else if (label) made.push(...link(href, inline(label, depth + 1)));
    else made.push(...link(address, [address]));
    end = found.index + all.length;
  }
  return [...made, text.slice(end)];
}
function blocks(text) {
  const made = [];
  let list = null, lines = null, code = null;
  for (const line of text.split("\n")) {
    if (/^\s*```/.test(line)) {
      if (!code) made.push(node("pre", { tabIndex: 0 }, code = node("code"))); else code = null;
      list = lines = null;
      continue;
    }
    if (code) { code.append(line + "\n"); continue; }
    const item = /^\s*(?:([-*•])|(\d{1,4})[.)])\s+(.*)/.exec(line);
    if (item) {
      const tag = item[1] ? "UL" : "OL";
      if (!list || list.tagName !== tag) made.push(list = node(tag, item[2] ? { start: +item[2] } : {}));
      list.append(node("li", { dir: "auto" }, ...inline(item[3])));
      lines = null;
    } else if (!line.trim()) {
      list = lines = null;
    } else {
      list = null;
      const title = /^#{1,6}\s+(.*)/.exec(line), words = title ? [node("strong", {}, ...inline(title[1]))] : inline(line);
      if (lines && !title) lines.append(node("br"), ...words);
      else made.push(lines = node("p", { dir: "auto" }, ...words));
      if (title) lines = null;
    }
  }
  return made;
}

// --- what survives a reload; a browser that keeps nothing still chats

class Store {
  constructor(name) {
    this.name = name;
    this.memory = new Map();
    try { localStorage.setItem(name + "?", "1"); localStorage.removeItem(name + "?"); this.kept = localStorage; } catch { this.kept = null; }
  }
  get(key) {
    const text = this.kept ? this.kept.getItem(this.name + key) : this.memory.get(key);
    try { return text ? JSON.parse(text) : null; } catch { return null; }
  }
  set(key, value) {
    const text = JSON.stringify(value);
    try { if (this.kept) this.kept.setItem(this.name + key, text); else this.memory.set(key, text); } catch { this.kept = null; this.memory.set(key, text); }
  }
  drop(key) { if (this.kept) this.kept.removeItem(this.name + key); this.memory.delete(key); }
  outbox() {
    const start = (this.kept ? this.name : "") + "out:", keys = this.kept ? Object.keys(this.kept) : [...this.memory.keys()];
    const ids = keys.filter((key) => key.startsWith(start)).map((key) => key.slice(start.length));
    return ids.map((id) => ({ id, ...this.get("out:" + id) })).filter((each) => each.text).sort((a, b) => a.at - b.at);
  }
}
const locked = (name, act) => (navigator.locks ? navigator.locks.request(name, act) : act());
const newId = () => (crypto.randomUUID ? crypto.randomUUID() : "10000000-1000-4000-8000-100000000000".replace(/[018]/g,
  (c) => (c ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (c / 4)))).toString(16)));

class Refused extends Error {
  constructor(response) { super(response.status); this.status = response.status; this.seconds = +response.headers.get("retry-after") || 0; }
}

class FrontdeskChat extends HTMLElement {
  connectedCallback() {
    if (this.panel || !this.getAttribute("phone-number")) return;
    const language = (this.getAttribute("lang") || document.documentElement.lang || navigator.language || "en").toLowerCase();
    this.words = { ...(WORDS[language.slice(0, 2)] || WORDS.en), ...this.ownWords() };
    if (RTL.test(language) && !this.dir) this.dir = "rtl";
    this.url = `${BASE}${encodeURIComponent(this.getAttribute("phone-number"))}/`;
    this.store = new Store(`frontdesk ${this.url} ${this.getAttribute("visitor-id") || ""} `);
    this.after = 0;
    this.waiting = new Map();
    this.build();
    this.paint();
    addEventListener("storage", this.onStorage = (event) => this.heardOtherTab(event));
    addEventListener("online", this.onOnline = () => this.wake());
    document.addEventListener("visibilitychange", this.onLook = () => { this.wake(); this.countUnread(); });
    for (const { id, text } of this.store.outbox()) this.showWaiting(id, text);
    if (this.store.get("session")) this.start();
    if (this.store.get("open")) this.toggle(true, false);
  }
  disconnectedCallback() {
    removeEventListener("storage", this.onStorage);
    removeEventListener("online", this.onOnline);
    document.removeEventListener("visibilitychange", this.onLook);
    this.ended = true;
    if (this.abort) this.abort.abort();
  }
  ownWords() {
    const given = {};
    for (const word of Object.keys(WORDS.en)) {
      const own = this.getAttribute(word === "title" ? "chat-title" : `text-${word}`);
      if (own) given[word] = own;
    }
    return given;
  }

  // --- what is seen

  build() {
    const words = this.words, root = this.attachShadow({ mode: "open" }), sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS_TEXT);
    root.adoptedStyleSheets = [sheet];
    this.badge = node("span", { className: "badge", hidden: true, "aria-hidden": "true" });
    this.launcher = node("button", { type: "button", className: "launcher", "aria-expanded": "false" }, icon("chat"), this.badge);
    this.launcher.onclick = () => this.toggle(!this.hasAttribute("open"));
    const close = node("button", { type: "button", "aria-label": words.close }, icon("close"));
    close.onclick = () => this.toggle(false);
    this.state = node("div", { className: "state", role: "status", hidden: true });
    this.log = node("div", { className: "log", role: "log", "aria-live": "polite", "aria-label": words.title, tabIndex: -1 });
    this.drafts = node("div", { className: "drafts", "aria-hidden": "true" });
    this.typing = node("div", { className: "hidden", role: "status" });
    this.scroll = node("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": words.title }, this.log, this.drafts);
    this.input = node("textarea", { rows: 1, maxLength: TEXT_MAX, placeholder: words.write, "aria-label": words.write, dir: "auto", enterKeyHint: "send" });
    const send = node("button", { type: "submit", "aria-label": words.send }, icon("send"));
    const form = node("form", {}, this.input, send);
    form.onsubmit = (event) => { event.preventDefault(); this.write(); };
    this.input.onkeydown = (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); this.write(); }
    };
    this.input.oninput = () => { this.store.set("draft", this.input.value); this.fit(); };
    this.panel = node("section", { className: "panel", role: "dialog", "aria-label": words.title, hidden: true },
      node("header", {}, node("h2", {}, words.title), close), this.state, this.scroll, this.typing, form);
    this.panel.onkeydown = (event) => this.onKey(event);
    root.append(this.panel, this.launcher);
    this.input.value = this.store.get("draft") || "";
    const greeting = this.getAttribute("greeting");
    if (greeting) this.log.append(node("div", { className: "bubble" }, ...blocks(greeting)));
    this.countUnread();
  }
  paint() {
    const color = this.getAttribute("color");
    if (!color || !CSS.supports("color", color)) return;
    this.style.setProperty("--frontdesk-color", color);
    const [r, g, b] = (getComputedStyle(this.launcher).backgroundColor.match(/[\d.]+/g) || [0, 0, 0]).map((each) => (each / 255) ** 2.2);
    this.style.setProperty("--frontdesk-on-color", 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.2 ? "#000" : "#fff");
  }
  onKey(event) {
    if (event.key === "Escape") { event.stopPropagation(); this.toggle(false); }
    if (event.key !== "Tab" || !matchMedia("(max-width: 480px)").matches) return;
    const stops = [...this.panel.querySelectorAll("button, textarea, a, [tabindex='0']")], edge = event.shiftKey ? stops[0] : stops[stops.length - 1];
    if (this.shadowRoot.activeElement === edge) { event.preventDefault(); stops[event.shiftKey ? stops.length - 1 : 0].focus(); }
  }
  toggle(open, focus = true) {
    this.toggleAttribute("open", open);
    this.panel.hidden = !open;
    this.store.set("open", open);
    this.launcher.setAttribute("aria-expanded", String(open));
    if (open) { this.start(); this.fit(); this.toEnd(); }
    if (focus) (open ? this.input : this.launcher).focus();
    this.countUnread();
  }
  fit() {
    this.input.style.height = "auto";
    this.input.style.height = `${this.input.scrollHeight + 2}px`;
  }
  toEnd() { this.scroll.scrollTop = this.scroll.scrollHeight; }
  /** Change what is shown; whoever reads the end goes on reading the end. */
  show(change) {
    const atEnd = this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < 60;
    change();
    if (atEnd) this.toEnd();
  }
  showState(word) {
    this.state.hidden = !word;
    if (word && this.state.textContent !== this.words[word]) this.state.textContent = this.words[word];
  }
  bubble(author, text) {
    const mine = author === "customer", name = node("span", { className: "hidden" }, `${mine ? this.words.you : this.words.agent}: `);
    return node("div", mine ? { className: "bubble mine", dir: "auto" } : { className: "bubble" }, name, ...(mine ? [text] : blocks(text)));
  }
  showWaiting(id, text) {
    if (this.waiting.has(id)) return;
    const note = node("div", { className: "note" }, this.words.sending), made = [this.bubble("customer", text), note];
    this.waiting.set(id, { made, note });
    this.show(() => this.log.append(...made));
    this.toEnd();
  }
  noLongerWaiting(id) {
    const there = this.waiting.get(id);
    if (there) there.made.forEach((each) => each.remove());
    this.waiting.delete(id);
    this.store.drop("out:" + id);
  }
  showMessage({ sequence, author, text, id }) {
    if (sequence <= this.after) return;
    this.after = sequence;
    this.show(() => {
      if (id) this.noLongerWaiting(id);
      else this.showDraft(null);
      const first = [...this.waiting.values()][0];
      const made = this.bubble(author, text);
      if (first) first.made[0].before(made); else this.log.append(made);
    });
    if (author !== "customer") this.newest = sequence;
    if (author !== "customer" && sequence > (this.store.get("seen") || 0)) this.unread = (this.unread || 0) + 1;
    this.countUnread();
  }
  /** The answer as far as it is written; "" while there is nothing but the intention, null when it is over. */
  showDraft(text) {
    clearTimeout(this.draftEnds);
    if (text === null) this.draft = null;
    else this.draftEnds = setTimeout(() => this.showDraft(null), DRAFT_MS_MAX);
    this.typing.textContent = text === null ? "" : this.words.typing;
    const dots = () => node("div", { className: "bubble dots" }, node("i"), node("i"), node("i"));
    this.show(() => this.drafts.replaceChildren(...(text === null ? [] : [text ? this.bubble("agent", text) : dots()])));
  }
  hearDelta({ turn, start, text }) {
    const draft = this.draft && this.draft.turn === turn && start > 0 ? this.draft : { turn, text: "", length: 0 };
    if (start !== draft.length) return;  // its beginning was missed: the whole answer will come
    this.draft = { turn, text: draft.text + text, length: start + [...text].length };
    this.painting = this.painting || requestAnimationFrame(() => { this.painting = 0; if (this.draft) this.showDraft(this.draft.text); });
  }
  countUnread() {
    if (this.hasAttribute("open") && !document.hidden) {
      this.unread = 0;
      if (this.newest) this.store.set("seen", this.newest);
    }
    const count = this.unread || 0;
    this.badge.hidden = !count;
    this.badge.textContent = count > 9 ? "9+" : String(count);
    const name = this.hasAttribute("open") ? this.words.close : this.words.open;
    this.launcher.setAttribute("aria-label", count ? `${name}, ${count} ${this.words.unread}` : name);
  }

  // --- what is sent

  write() {
    const text = this.input.value.trim(), id = newId();
    if (!text) return;
    this.store.set("out:" + id, { text, at: Date.now() });
    this.input.value = "";
    this.store.drop("draft");
    this.fit();
    this.showWaiting(id, text);
    this.start();
    this.flush();
  }
  /** Send what waits, in order, from one tab at a time; a message that is sent again is known by its id. */
  async flush() {
    if (this.flushing) return;
    this.flushing = true;
    try {
      await locked(this.store.name + "send", async () => {
        for (let next; (next = this.store.outbox()[0]) && !this.ended; ) await this.deliver(next);
      });
    } finally { this.flushing = false; }
    if (this.store.outbox().length && !this.ended) this.flush();
  }
  async deliver({ id, text }) {
    for (let tries = 0; !this.ended; tries++) {
      try {
        await this.call("messages", { id, text });
        this.store.drop("out:" + id);
        const there = this.waiting.get(id);
        if (there) there.note.remove();
        return;
      } catch (error) {
        if (error.status && [400, 404, 413, 422].includes(error.status)) return this.giveUp(id);
        await this.pause(error.seconds, tries);
      }
    }
  }
  giveUp(id) {
    this.store.drop("out:" + id);
    const there = this.waiting.get(id);
    if (there) there.note.textContent = this.words.failed;
  }
  async session() {
    const kept = this.store.get("session");
    if (kept && Date.parse(kept.expires_at) > Date.now() + 864e5) return kept;
    return this.newSession(kept);
  }
  newSession(old) {
    return locked(this.store.name + "session", async () => {
      const kept = this.store.get("session");
      if (kept && (!old || kept.token !== old.token)) return kept;  // another tab was quicker
      const id = this.getAttribute("visitor-id"), name = this.getAttribute("visitor-name");
      const visitor = id ? { id, signature: this.getAttribute("visitor-signature") || "", ...(name ? { name } : {}) } : null;
      const headers = { "content-type": "application/json", ...(old ? { authorization: `Bearer ${old.token}` } : {}) };
      const response = await fetch(`${this.url}sessions`, { method: "POST", headers, body: JSON.stringify(visitor ? { visitor } : {}) });
      if (!response.ok) throw new Refused(response);
      const opened = await response.json();
      this.store.set("session", opened);
      return opened;
    });
  }
  async call(path, body, signal) {
    for (let again = true; ; again = false) {
      const session = await this.session(), headers = { authorization: `Bearer ${session.token}` };
      if (body) headers["content-type"] = "application/json";
      const response = await fetch(BASE + path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), signal, cache: "no-store" });
      if (response.ok) return response;
      if (response.status !== 401 || !again) throw new Refused(response);
      await this.newSession(session);
    }
  }

  // --- what is heard

  async start() {
    if (this.started) return;
    this.started = true;
    this.flush();
    for (let tries = 0; !this.ended; tries++) {
      let error = {};
      try {
        if (tries || !this.after) this.showState(tries > 1 ? "offline" : "connecting");
        await this.follow(() => { tries = 0; this.showState(null); });
      } catch (problem) { error = problem; }
      if (this.ended) return;
      this.showDraft(null);
      const refused = error.status === 403 || error.status === 404;
      if (refused) this.showState("refused");
      await this.pause(refused ? 60 : error.seconds, tries);
    }
  }
  async follow(connected) {
    this.abort = new AbortController();
    let silence;
    const alive = () => { clearTimeout(silence); silence = setTimeout(() => this.abort.abort(), SILENCE_MS_MAX); };
    try {
      alive();
      const response = await this.call(`events?after=${this.after}`, null, this.abort.signal);
      connected();
      const reader = response.body.getReader(), decoder = new TextDecoder();
      for (let rest = ""; ; ) {
        const { done, value } = await reader.read();
        if (done) return;
        alive();
        const parts = (rest + decoder.decode(value, { stream: true })).split("\n\n");
        rest = parts.pop();
        parts.forEach((part) => this.hear(part));
      }
    } finally { clearTimeout(silence); this.abort.abort(); }
  }
  hear(event) {
    const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(event) || [];
    if (name === "message") this.showMessage(JSON.parse(data));
    if (name === "delta") this.hearDelta(JSON.parse(data));
    if (name === "typing" && !this.draft) this.showDraft("");
  }
  heardOtherTab({ key, newValue }) {
    if (!key || !key.startsWith(this.store.name)) return;
    const what = key.slice(this.store.name.length);
    if (what.startsWith("out:") && newValue) this.showWaiting(what.slice(4), JSON.parse(newValue).text);
    if (what === "seen" && newValue >= (this.newest || 0)) { this.unread = 0; this.countUnread(); }
    if (what === "session" && newValue) this.start();
  }
  pause(seconds, tries) {
    const ms = seconds ? seconds * 1000 : Math.min(BACK_OFF_MS_MAX, 500 * 2 ** Math.min(tries, 6)) * (0.5 + Math.random() / 2);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      if (!seconds) (this.sleepers = this.sleepers || []).push(() => { clearTimeout(timer); resolve(); });
    });
  }
  wake() {
    (this.sleepers || []).splice(0).forEach((resume) => resume());
  }
}

if (!customElements.get("frontdesk-chat")) customElements.define("frontdesk-chat", FrontdeskChat);
if (script && script.dataset.phoneNumber) {
  const chat = document.createElement("frontdesk-chat");
  for (const [name, value] of Object.entries(script.dataset)) {
    chat.setAttribute(name === "title" ? "chat-title" : name.replace(/[A-Z]/g, (letter) => "-" + letter.toLowerCase()), value);
  }
  const place = () => document.body.append(chat);
  if (document.body) place(); else addEventListener("DOMContentLoaded", place);
}
})();
