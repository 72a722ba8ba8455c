import * as v from "valibot";
import type { Egress } from "../../egress/types.ts";
import { newestItems, type RawItem } from "../digest/item.ts";
import { GITHUB_HOST, type GithubEvent, type GithubSource } from "../digest/settings.ts";
import { parseBoundedJson } from "./bounded-json.ts";
import { type Collected, SourceUnreadable, sourceLabel } from "./source.ts";

/** Thirty releases with fifty files each have a hundred and fifty thousand. */
const JSON_VALUES_MAX = 300_000;
/** More than are asked for. */
const ENTRIES_MAX = 100;

/** GitHub writes null where there is nothing. */
const text = v.pipe(
  v.nullish(v.string()),
  v.transform((value) => value ?? undefined),
);

/** How an entry is read, by event; null for one that is left out. */
const EVENTS: Record<GithubEvent, v.GenericSchema<unknown, RawItem | null>> = {
  releases: v.pipe(
    v.object({ html_url: v.string(), name: text, tag_name: v.string(), body: text, published_at: text }),
    v.transform((entry) => ({
      link: entry.html_url,
      title: entry.name || entry.tag_name,
      text: entry.body,
      publishedAt: entry.published_at,
    })),
  ),
  commits: v.pipe(
    v.object({
      sha: v.string(),
      html_url: v.string(),
      commit: v.object({ message: v.string(), committer: v.nullish(v.object({ date: text })) }),
    }),
    v.transform(({ sha, html_url: link, commit: { message, committer } }) => ({
      link,
      title: `${sha.slice(0, 7)}: ${message.split("\n", 1)[0]}`,
      text: message,
      publishedAt: committer?.date,
    })),
  ),
  issues: v.pipe(
    v.object({
      number: v.number(),
      html_url: v.string(),
      title: v.string(),
      body: text,
      created_at: text,
      pull_request: v.optional(v.unknown()),
    }),
    v.transform((entry) =>
      // The API lists pull requests among the issues; only they have this key.
      entry.pull_request !== undefined
        ? null
        : {
            link: entry.html_url,
            title: `issue ${entry.number}: ${entry.title}`,
            text: entry.body,
            publishedAt: entry.created_at,
          },
    ),
  ),
};

/**
 * What is new in a public repository, by GitHub's REST API (docs.github.com/rest): 30 entries of each event.
 * @throws SourceUnreadable for an answer that is none; and what `egress.fetch` throws.
 */
export async function collectGithub(
  source: GithubSource,
  context: { egress: Egress; signal: AbortSignal },
): Promise<Collected> {
  const raws: RawItem[] = [];
  for (const event of source.events) {
    const url = `https://${GITHUB_HOST}/repos/${source.github}/${event}?per_page=30`;
    const page = await context.egress.fetch(url, {
      signal: context.signal,
      accept: "application/vnd.github+json",
      headers: { "X-GitHub-Api-Version": "2022-11-28" },
    });
    if (!page.fromCache && page.status !== 200) throw new SourceUnreadable(`${url} answered ${page.status}`);
    for (const raw of parseAs(EVENTS[event], parseJson(page.body, url), url))
      if (raw !== null) raws.push({ ...raw, id: raw.link, title: `${source.github} ${raw.title}` });
  }
  return { items: newestItems(raws, sourceLabel(source)), notes: [] };
}

function parseJson(body: Uint8Array, url: string): unknown {
  try {
    return parseBoundedJson(new TextDecoder().decode(body), JSON_VALUES_MAX);
  } catch (error) {
    if (error instanceof SourceUnreadable) throw error;
    throw new SourceUnreadable(`${url} did not answer with JSON`, { cause: error });
  }
}

/** One issue is enough to refuse an answer; an answer made for it has a million. */
function parseAs<T>(schema: v.GenericSchema<unknown, T>, json: unknown, url: string): T[] {
  const entries = Array.isArray(json) ? json.slice(0, ENTRIES_MAX) : json;
  const result = v.safeParse(v.array(schema), entries, { abortEarly: true });
  if (result.success) return result.output;
  const issue = result.issues[0];
  throw new SourceUnreadable(
    `${url} answered something else than expected, at ${v.getDotPath(issue) ?? "the top"}: ${issue.message}`,
  );
}
