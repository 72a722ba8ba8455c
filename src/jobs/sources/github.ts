import * as v from "valibot";
import type { Egress } from "../../egress/types.ts";
import { type Item, newestOf, type RawItem, toItem } from "../digest/item.ts";
import { GITHUB_HOST, type GithubEvent, type GithubSource } from "../digest/settings.ts";
import { parseBoundedJson } from "./bounded-json.ts";
import { type Collected, SourceUnreadable, sourceLabel } from "./source.ts";

/** Thirty releases with fifty files each have a hundred and fifty thousand. */
const JSON_VALUES_MAX = 300_000;
/** More than are asked for. */
const ENTRIES_MAX = 100;

const text = v.nullish(v.string());

const release = v.object({
  html_url: v.string(),
  name: text,
  tag_name: v.string(),
  body: text,
  published_at: text,
});
const commit = v.object({
  sha: v.string(),
  html_url: v.string(),
  commit: v.object({ message: v.string(), committer: v.nullish(v.object({ date: text })) }),
});
const issue = v.object({
  number: v.number(),
  html_url: v.string(),
  title: v.string(),
  body: text,
  created_at: text,
  pull_request: v.optional(v.unknown()),
});

/**
 * What is new in a public repository, by GitHub's REST API (docs.github.com/rest): 30 entries of each event.
 * @throws SourceUnreadable for an answer that is none; and what `egress.fetch` throws.
 */
export async function collectGithub(
  source: GithubSource,
  context: { egress: Egress; signal: AbortSignal },
): Promise<Collected> {
  const items: Item[] = [];
  for (const event of source.events) {
    const url = `https://${GITHUB_HOST}/repos/${source.github}/${event}?per_page=30`;
    const page = await context.egress.fetch(url, {
      signal: context.signal,
      accept: "application/vnd.github+json",
      headers: { "X-GitHub-Api-Version": "2022-11-28" },
    });
    if (!page.fromCache && page.status !== 200) throw new SourceUnreadable(`${url} answered ${page.status}`);
    for (const raw of rawItems(event, source.github, page.body, url)) {
      const item = toItem(raw, sourceLabel(source));
      if (item !== null) items.push(item);
    }
  }
  return { items: newestOf(items), notes: [] };
}

function rawItems(event: GithubEvent, repository: string, body: Uint8Array, url: string): RawItem[] {
  const json = parseJson(body, url);
  switch (event) {
    case "releases":
      return parseAs(release, json, url).map((entry) => ({
        id: entry.html_url,
        title: `${repository} ${entry.name || entry.tag_name}`,
        link: entry.html_url,
        text: entry.body ?? undefined,
        publishedAt: entry.published_at ?? undefined,
      }));
    case "commits":
      return parseAs(commit, json, url).map((entry) => ({
        id: entry.html_url,
        title: `${repository} ${entry.sha.slice(0, 7)}: ${entry.commit.message.split("\n", 1)[0]}`,
        link: entry.html_url,
        text: entry.commit.message,
        publishedAt: entry.commit.committer?.date ?? undefined,
      }));
    case "issues":
      // The API lists pull requests among the issues; only they have this key.
      return parseAs(issue, json, url)
        .filter((entry) => entry.pull_request === undefined)
        .map((entry) => ({
          id: entry.html_url,
          title: `${repository} issue ${entry.number}: ${entry.title}`,
          link: entry.html_url,
          text: entry.body ?? undefined,
          publishedAt: entry.created_at ?? undefined,
        }));
  }
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
