import { figure } from "../evidence/report/words.ts";
import { type Html, html, type Part } from "./html.ts";

/** A part of the page under a heading; the script replaces each part alone. */
export function card(id: string, title: Part, body: Part): Html {
  return html`<section class="card" data-part="${id}" aria-labelledby="h-${id}">
<h2 id="h-${id}">${title}</h2>
${body}
</section>`;
}

/** Stands where a card will be once there is something to show. */
export function noCard(id: string): Html {
  return html`<div data-part="${id}"></div>`;
}

/** Items in a list; nothing for none. */
export function list<Item>(items: readonly Item[], show: (item: Item) => Html): Part {
  return items.length > 0 && html`<ul class="list">${items.map((item) => html`<li>${show(item)}</li>`)}</ul>`;
}

/** A line of an item: what it is to the left, how it is to the right. */
export function row(what: Part, how: Part): Html {
  return html`<div class="row"><span>${what}</span><span class="small">${how}</span></div>`;
}

/** A word with the shape and colour of how good that is: `ok`, `idle`, `warn` or `bad`. */
export function tag(level: string, text: Part): Html {
  return html`<span class="tag ${level} t-${level}">${text}</span>`;
}

/** What is less important than the rest. */
export function quiet(text: Part): Html {
  return html`<span class="quiet">${text}</span>`;
}

/** The title of a column, and its class: `n` for figures, `wide` for what a phone does not show. */
export type Column = readonly [title: string, kind?: string];

/** A table whose first cells head their rows; numbers are set apart in thousands, and 0 is quiet. */
export function table(columns: readonly Column[], rows: readonly (readonly Part[])[]): Html {
  const head = columns.map(([title, kind]) => html`<th scope="col" class="${kind}">${title}</th>`);
  const cell = (value: Part, at: number): Html => {
    const kind = columns[at]?.[1];
    const shown =
      typeof value !== "number" ? value : value === 0 ? html`<span class="zero">0</span>` : figure(value);
    return at === 0
      ? html`<th scope="row" class="${kind}">${shown}</th>`
      : html`<td class="${kind}">${shown}</td>`;
  };
  return html`<table>
<thead><tr>${head}</tr></thead>
<tbody>${rows.map((cells) => html`<tr>${cells.map(cell)}</tr>\n`)}</tbody></table>`;
}

/** A whole page that loads nothing but what its head names. */
export function document(page: {
  title: Part;
  head: Html;
  style: string;
  body: Html;
  script?: string;
}): string {
  const start = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
${page.head}
<title>${page.title}</title>
`;
  return `${start.markup}<style>${page.style}</style>
</head>
<body>
<div class="wrap">
${page.body.markup}
</div>
${page.script === undefined ? "" : `<script>${page.script}</script>\n`}</body>
</html>
`;
}
