import { document } from "../elements.ts";
import { type Html, html, type Part } from "../html.ts";
import { SCRIPT } from "../script.ts";
import { STYLE } from "../style.ts";
import { at, type Times } from "../words.ts";

/** A page of one thing, one level below the page of the whole, which it leads back to. */
export function detailPage(page: { agent: string; title: Part; times: Times; body: Html }): string {
  const { agent, title, times, body } = page;
  return document({
    title: html`${title} · ${agent}`,
    head: html`<link rel="icon" href="../icon.svg" type="image/svg+xml">`,
    style: STYLE,
    body: html`<header class="top">
<div><nav aria-label="Where this is"><a href="../">${agent}</a></nav><h1>${title}</h1></div>
<div class="quiet small"><span data-part="head">As of ${at(times.nowMs, times)} ${times.timezone}</span> <span class="live" id="live" role="status"></span></div>
</header>
<main>
${body}
</main>
<footer class="quiet small">This page only looks: nothing on it changes anything.</footer>`,
    script: SCRIPT,
  });
}

/** Facts with their names, one or two words each; what has no value is left out. */
export function facts(rows: readonly (readonly [name: string, value: Part])[]): Html {
  const shown = rows.filter(([, value]) => value !== null && value !== false && value !== "");
  return html`<dl class="facts">
${shown.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`)}
</dl>`;
}

/** Text of a program or an error, as it was laid out; the end of what is longer than `charsMax`. */
export function verbatim(text: string, label: string, charsMax = 20_000): Html {
  const isCut = text.length > charsMax;
  const shown = isCut ? text.slice(-charsMax).toWellFormed() : text;
  return html`${isCut && html`<p class="quiet small">The last ${charsMax} of ${text.length} characters.</p>`}<pre tabindex="0" role="region" aria-label="${label}" dir="auto">${shown}</pre>`;
}
