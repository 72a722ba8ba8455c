/**
 * The page's one script. It asks for a newer page every two seconds and puts the parts in place that differ; of
 * others only "2 min ago" is renewed. It says so when there is no answer, and puts a button beside each command that copies it,
 * or selects it where copying is not allowed. Without it the page is whole, and loads itself again.
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
  const same = (a, b) => {
    const plain = (part) => {
      const copy = part.cloneNode(true);
      for (const time of copy.querySelectorAll("time")) time.textContent = "";
      for (const each of copy.querySelectorAll("details")) each.open = false;
      for (const each of copy.querySelectorAll(".command")) each.replaceWith(each.firstChild);
      return copy.outerHTML;
    };
    return plain(a) === plain(b);
  };
  const show = (page) => {
    document.title = page.title;
    for (const part of page.querySelectorAll("[data-part]")) {
      const old = document.querySelector('[data-part="' + part.dataset.part + '"]');
      if (!old) continue;
      if (same(old, part)) {
        const times = part.querySelectorAll("time");
        old.querySelectorAll("time").forEach((time, index) => { time.textContent = times[index].textContent; });
        continue;
      }
      const open = [...old.querySelectorAll("details")].map((each) => each.open);
      part.querySelectorAll("details").forEach((each, index) => { each.open = open[index] ?? each.open; });
      old.replaceWith(document.adoptNode(part));
      offer(part);
    }
  };
  const copied = async (code) => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      return true;
    } catch {
      getSelection().selectAllChildren(code);
      return document.execCommand("copy");
    }
  };
  const offer = (part) => {
    for (const code of part.querySelectorAll("code")) {
      if (!/^(afk|kill) /.test(code.textContent) || code.closest(".command")) continue;
      const box = document.createElement("span");
      const button = document.createElement("button");
      box.className = "command";
      button.type = "button";
      button.textContent = "Copy";
      button.ariaLabel = "Copy: " + code.textContent;
      button.onclick = async () => {
        button.textContent = (await copied(code)) ? "Copied" : "Selected";
        setTimeout(() => { button.textContent = "Copy"; }, 1500);
      };
      code.replaceWith(box);
      box.append(code, button);
    }
  };
  offer(document);
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
    setTimeout(refresh, 2000);
  };
  refresh();
})();`;
