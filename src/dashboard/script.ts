/**
 * The page's one script. It asks for a newer page every two seconds and puts the parts in place that differ; it keeps
 * "2 min ago" true, and says so when there is no answer. Without it the page is whole, and loads itself again.
 */
export const SCRIPT = `"use strict";
(() => {
  const live = document.getElementById("live");
  const words = { on: "Up to date", off: "No connection: what you see is old" };
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
  const show = (page) => {
    skew = Date.now() - Date.parse(page.documentElement.dataset.at);
    document.title = page.title;
    for (const part of page.querySelectorAll("[data-part]")) {
      const old = document.querySelector('[data-part="' + part.dataset.part + '"]');
      if (!old || same(old, part)) continue;
      const open = [...old.querySelectorAll("details")].map((each) => each.open);
      part.querySelectorAll("details").forEach((each, index) => { each.open = open[index] ?? each.open; });
      old.replaceWith(document.adoptNode(part));
    }
  };
  let version = "";
  const refresh = async () => {
    try {
      const headers = version ? { "if-none-match": version } : {};
      const answer = await fetch(location.pathname, { cache: "no-store", headers, signal: AbortSignal.timeout(10000) });
      if (answer.status !== 304) {
        if (!answer.ok) throw new Error(String(answer.status));
        show(new DOMParser().parseFromString(await answer.text(), "text/html"));
        version = answer.headers.get("etag") ?? "";
      }
      say("on");
    } catch {
      say("off");
    }
    relative();
    setTimeout(refresh, 2000);
  };
  refresh();
})();`;
