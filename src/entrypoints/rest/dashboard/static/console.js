// The console's script: keeps the parts of a page that are marked as live up to date, and puts times into the reader's
// own zone. Without it every page works as it stands.
"use strict";
(() => {
  const live = document.querySelector("[data-live]");
  const stale = document.getElementById("stale");
  const shown = new Map(); // each part as the server last sent it: what the reader's zone makes of it is not compared
  let etag = "";

  const long = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  const short = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
  const localise = (root) => {
    for (const time of root.querySelectorAll("time[datetime]:not([title])")) {
      const moment = new Date(time.dateTime);
      time.title = time.textContent;
      time.textContent = ("short" in time.dataset ? short : long).format(moment);
    }
  };

  // What is focused or unfolded in a part stays so when the part is put anew.
  const replace = (old, fresh) => {
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    if (!focused && old !== document.activeElement && old.contains(document.activeElement)) return false;
    const unfolded = [...old.querySelectorAll("details")].map((each) => each.open);
    const entered = [...old.querySelectorAll("select")].map((each) => each.value);
    old.replaceChildren(...fresh.childNodes);
    old.className = fresh.className;
    old.querySelectorAll("details").forEach((each, place) => (each.open = unfolded[place] || false));
    old.querySelectorAll("select").forEach((each, place) => place in entered && (each.value = entered[place]));
    localise(old);
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    return true;
  };

  // A log grows at its end: what stands there is touched only where it changed, so that a reader hears just the news.
  const append = (log, fresh) => {
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
    for (const item of [...fresh.children]) {
      const html = item.outerHTML;
      if (shown.get(item.id) === html) continue;
      const old = document.getElementById(item.id);
      if (old && !replace(old, item)) continue;
      if (!old) {
        document.getElementById("nobody")?.remove();
        localise(item);
        log.append(item);
      }
      shown.set(item.id, html);
    }
    if (isAtEnd) log.scrollTop = log.scrollHeight;
  };

  const update = (page) => {
    for (const fresh of page.querySelectorAll("[data-part]")) {
      const old = document.getElementById(fresh.id);
      if (!old) continue;
      if ("append" in fresh.dataset) append(old, fresh);
      else {
        const html = fresh.innerHTML;
        if (shown.get(fresh.id) !== html && replace(old, fresh)) shown.set(fresh.id, html);
      }
    }
  };

  const look = async () => {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), 10000);
    try {
      const headers = { "x-live": "1", ...(etag && { "if-none-match": etag }) };
      const answer = await fetch(location.pathname + location.search, { headers, signal: abort.signal, redirect: "manual" });
      if (answer.status === 401 || answer.type === "opaqueredirect") return location.assign("/dashboard/sign-in");
      if (!answer.ok && answer.status !== 304) throw new Error(answer.status);
      if (answer.status === 200) {
        etag = answer.headers.get("etag") || "";
        update(new DOMParser().parseFromString(await answer.text(), "text/html"));
      }
      stale.hidden = true;
    } catch {
      stale.hidden = false;
    } finally {
      clearTimeout(timer);
    }
  };

  const remember = () => {
    for (const part of document.querySelectorAll("[data-part]")) {
      if (!("append" in part.dataset)) shown.set(part.id, part.innerHTML);
      else for (const item of part.children) shown.set(item.id, item.outerHTML);
    }
  };

  remember();
  localise(document);
  document.querySelector(".top [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  const log = document.getElementById("log");
  const named = document.getElementById(location.hash.slice(1));
  if (log) log.scrollTop = log.scrollHeight;
  if (log?.contains(named)) named.scrollIntoView({ block: "center" });
  // What was just done is told once: a reload tells nothing again.
  if (location.search.includes("done=")) {
    const query = new URLSearchParams(location.search);
    query.delete("done");
    history.replaceState(null, "", location.pathname + (query.size ? "?" + query : "") + location.hash);
  }
  if (!live) return;
  const pause = Number(live.dataset.live) * 750;
  const run = async () => {
    if (!document.hidden) await look();
    setTimeout(run, pause);
  };
  setTimeout(run, pause);
  document.addEventListener("visibilitychange", () => document.hidden || look());
})();
