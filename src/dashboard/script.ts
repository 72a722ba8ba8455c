/**
 * The page's one script. It listens for "something changed", asks for the page again and puts the parts in place that
 * differ; and it keeps "2 min ago" true, and says so when nothing is heard any more. Without it the page is whole, and
 * loads itself again by its own.
 */
export const SCRIPT = `"use strict";
(() => {
  const live = document.getElementById("live");
  const words = { on: "Up to date", off: "No connection: what you see is old" };
  let isBusy = false, isStale = false;
  const say = (state) => {
    if (live.className === "live " + state) return;
    live.className = "live " + state;
    live.textContent = words[state];
  };
  const relative = () => {
    for (const time of document.querySelectorAll("time[data-relative]")) {
      const ms = Date.parse(time.dateTime) - (Date.now() - skew);
      const seconds = Math.round(Math.abs(ms) / 1000);
      let text = "now";
      for (const [unit, size] of [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]]) {
        if (seconds < 5 || seconds < size) continue;
        text = Math.floor(seconds / size) + " " + unit;
        text = ms > 0 ? "in " + text : text + " ago";
        break;
      }
      if (time.textContent !== text) time.textContent = text;
    }
  };
  let skew = Date.now() - Date.parse(document.documentElement.dataset.at);
  const same = (a, b) => {
    const plain = (part) => {
      const copy = part.cloneNode(true);
      for (const time of copy.querySelectorAll("time[data-relative]")) time.textContent = "";
      for (const each of copy.querySelectorAll("details")) each.open = false;
      return copy.outerHTML;
    };
    return plain(a) === plain(b);
  };
  const refresh = async () => {
    if (isBusy) { isStale = true; return; }
    isBusy = true;
    try {
      const answer = await fetch(location.pathname, { cache: "no-store", signal: AbortSignal.timeout(10000) });
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      skew = Date.now() - Date.parse(page.documentElement.dataset.at);
      document.title = page.title;
      for (const part of page.querySelectorAll("[data-part]")) {
        const old = document.querySelector('[data-part="' + part.dataset.part + '"]');
        if (!old || same(old, part)) continue;
        const open = [...old.querySelectorAll("details")].map((each) => each.open);
        part.querySelectorAll("details").forEach((each, index) => { each.open = open[index] ?? each.open; });
        old.replaceWith(document.adoptNode(part));
      }
      relative();
      say("on");
    } catch {
      say("off");
    } finally {
      isBusy = false;
      if (isStale) { isStale = false; setTimeout(refresh, 1000); }
    }
  };
  let heardAt = Date.now();
  const listen = () => {
    const events = new EventSource("events");
    events.addEventListener("open", () => { heardAt = Date.now(); say("on"); });
    events.addEventListener("change", () => { heardAt = Date.now(); refresh(); });
    events.addEventListener("keepalive", () => { heardAt = Date.now(); });
    events.addEventListener("error", () => {
      if (events.readyState !== EventSource.CLOSED) return;
      setTimeout(() => { refresh(); listen(); }, 15000);
    });
  };
  listen();
  setInterval(() => {
    relative();
    if (Date.now() - heardAt > 45000) { heardAt = Date.now() - 30000; refresh(); }
  }, 5000);
})();`;
