import type { WrittenFile } from "../../ops/written.ts";
import { card, list, row } from "../elements.ts";
import { html } from "../html.ts";
import { renderDigest } from "../markdown.ts";
import { ago, foreign, type Times } from "../words.ts";
import { detailPage, verbatim } from "./detail.ts";

interface About {
  agent: string;
  times: Times;
}

/** The page of one digest, or of another text that a job wrote. */
export function filePage(file: WrittenFile, { agent, times }: About): string {
  const { name, jobId, createdAt, content, isCut } = file;
  const isMarkdown = name.endsWith(".md");
  const title = isMarkdown ? (/^# (.{1,300})$/m.exec(content)?.[1] ?? name) : name;
  return detailPage({
    agent,
    title: foreign(title.replace(/\\(.)/g, "$1"), 200),
    times,
    body: card("file", foreign(`out/${name}`, 200), [
      html`<p class="quiet small">Written ${ago(createdAt, times)} by <a href="../jobs/${jobId}">this run</a>. <a href="../files/">All digests</a></p>`,
      isMarkdown
        ? html`<div class="digest" dir="auto">${renderDigest(content)}</div>`
        : verbatim(content, name, content.length),
      isCut && html`<p class="quiet">This is the beginning of it; the whole is in out/${name}.</p>`,
    ]),
  });
}

/** The newest digests, to choose from. */
export function filesPage(
  files: readonly { name: string; createdAt: number }[],
  { agent, times }: About,
): string {
  const item = ({ name, createdAt }: (typeof files)[number]) =>
    row(html`<a href="${encodeURIComponent(name)}">${foreign(name, 200)}</a>`, ago(createdAt, times));
  return detailPage({
    agent,
    title: "Digests",
    times,
    body: card(
      "files",
      "The newest first",
      list(files, item) || html`<p class="quiet">None was written yet.</p>`,
    ),
  });
}
