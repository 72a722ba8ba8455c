import { type Html, html } from "../html.ts";
import { renderDigest } from "../markdown.ts";
import type { Snapshot } from "../snapshot.ts";
import { ago, foreign, type Times } from "../words.ts";

/** What the agent wrote last; nothing where it writes no digests. */
export function digestSection({ digest }: Snapshot, times: Times): Html {
  if (digest === null) return html`<div data-part="digest"></div>`;
  return html`<section class="card" data-part="digest" aria-labelledby="h-digest">
<div class="row"><h2 id="h-digest">Latest digest</h2><span class="quiet small">${foreign(digest.name, 160)}, ${ago(digest.createdAt, times)}</span></div>
<div class="digest" dir="auto">${renderDigest(digest.content)}</div>
${digest.isCut && html`<p class="quiet">This is the beginning of it; the whole is in out/${digest.name}.</p>`}
</section>`;
}
