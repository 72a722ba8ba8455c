import * as v from "valibot";
import type { Egress } from "../../../egress/types.ts";
import { ITEMS_PER_SOURCE_MAX, newestItems, type RawItem } from "../../items/item.ts";
import type { JobContext } from "../../job.ts";
import { parseBoundedJson } from "../bounded-json.ts";
import { type Collected, SourceUnreadable } from "../source.ts";
import { withoutComments } from "./markdown-comments.ts";
import { type GithubEvent, type GithubSource, githubApi, githubLabel } from "./settings.ts";

/** A hundred releases with fifty files each have half a million. */
const JSON_VALUES_MAX = 600_000;
/** Of one page: a hundred texts of 64 KiB, and room. */
const PAGE_BYTES_MAX = 8 * 1024 * 1024;
/** As many as GitHub gives. */
const PAGE_ENTRIES = 100;

/** GitHub writes null where there is nothing. */
const text = v.pipe(
  v.nullish(v.string()),
  v.transform((value) => value?.trim() || undefined),
);

/** An entry as it is read; `id` is GitHub's own, which outlives a change of the repository's name. */
type Entry = Pick<RawItem, "title" | "text" | "publishedAt"> & {
  id: string | null;
  link: string;
  /** Of an issue. */
  number?: number;
};

const id = v.nullish(v.union([v.number(), v.string()]));
const idOf = (event: string, value: v.InferOutput<typeof id>) =>
  value === undefined || value === null ? null : `github:${event}:${value}`;

/** How an entry is read, by event; null for one that is left out. */
const EVENTS: Record<GithubEvent, v.GenericSchema<unknown, Entry | null>> = {
  releases: v.pipe(
    v.object({
      id,
      html_url: v.string(),
      name: text,
      tag_name: v.string(),
      body: text,
      published_at: text,
      created_at: text,
      draft: v.nullish(v.boolean()),
      prerelease: v.nullish(v.boolean()),
    }),
    v.transform((entry) => {
      // Only who may write to the repository sees one, and it can still change.
      if (entry.draft === true) return null;
      const title = entry.name ?? entry.tag_name;
      return {
        id: idOf("release", entry.id),
        link: entry.html_url,
        title: entry.prerelease === true && !/pre-?release/i.test(title) ? `${title} (pre-release)` : title,
        text: entry.body,
        publishedAt: entry.published_at ?? entry.created_at,
      };
    }),
  ),
  commits: v.pipe(
    v.object({
      sha: v.string(),
      html_url: v.string(),
      commit: v.object({
        message: v.string(),
        committer: v.nullish(v.object({ date: text })),
        author: v.nullish(v.object({ date: text })),
      }),
    }),
    v.transform(({ sha, html_url: link, commit: { message, committer, author } }) => ({
      id: idOf("commit", sha),
      link,
      title: `${sha.slice(0, 7)}: ${message.trim().split("\n", 1)[0]}`,
      text: message,
      publishedAt: committer?.date ?? author?.date,
    })),
  ),
  issues: v.pipe(
    v.object({
      id,
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
            id: idOf("issue", entry.id),
            number: entry.number,
            link: entry.html_url,
            title: `issue ${entry.number}: ${entry.title}`,
            text: entry.body,
            publishedAt: entry.created_at,
          },
    ),
  ),
};

/**
 * What is new in a public repository, by GitHub's REST API (docs.github.com/rest): the newest `max_items` of each event.
 * Where there are more, and the oldest of these was in no digest yet, that is noted.
 * @throws SourceUnreadable for an answer that is none; and what `egress.fetch` throws.
 */
export async function collectGithub(
  source: GithubSource,
  context: { egress: Pick<Egress, "fetch">; signal: AbortSignal } & Pick<JobContext, "isSeen">,
): Promise<Collected> {
  const itemsMax = source.max_items ?? ITEMS_PER_SOURCE_MAX;
  const label = githubLabel(source);
  const raws: RawItem[] = [];
  const notes: string[] = [];
  for (const event of source.events) {
    const { entries, hasMore } = await readPages(source, event, itemsMax, context);
    const found = entries.map((entry) => rawItem(source.github, entry));
    raws.push(...found);
    const oldest = found.length === 0 ? undefined : newestItems(found, label, { itemsMax }).at(-1);
    const keys = oldest === undefined ? [] : [oldest.key, ...(oldest.aliases ?? [])];
    if (hasMore && (await context.isSeen(keys)).size === 0)
      notes.push(
        `only the newest ${itemsMax} ${event} were read, and there are more (max_items can be raised)`,
      );
  }
  return { items: newestItems(raws, label, { itemsMax }), notes };
}

/** Pages are asked for by number: a page that is answered from what is kept has no Link header. */
async function readPages(
  source: GithubSource,
  event: GithubEvent,
  itemsMax: number,
  { egress, signal }: { egress: Pick<Egress, "fetch">; signal: AbortSignal },
): Promise<{ entries: Entry[]; hasMore: boolean }> {
  const perPage = Math.min(PAGE_ENTRIES, itemsMax);
  const entries: Entry[] = [];
  for (let page = 1; ; page++) {
    const more = page === 1 ? "" : `&page=${page}`;
    const url = `${githubApi(source)}/repos/${source.github}/${event}?per_page=${perPage}${more}`;
    const answer = await egress.fetch(url, {
      signal,
      accept: "application/vnd.github+json",
      headers: { "X-GitHub-Api-Version": "2022-11-28" },
      bytesMax: PAGE_BYTES_MAX,
    });
    if (!answer.fromCache && answer.status !== 200)
      throw new SourceUnreadable(`${url} answered ${answer.status}`);
    const read = parseAs(EVENTS[event], parseJson(answer.body, url), url);
    entries.push(...read.filter((entry) => entry !== null));
    const hasMore = read.length >= perPage;
    if (!hasMore || page * perPage >= itemsMax) return { entries, hasMore };
  }
}

/** Under its address it was remembered before; under that with the name that the owner wrote, if the repository was renamed since. */
function rawItem(repository: string, { id, number, link, title, text, publishedAt }: Entry): RawItem {
  const formerly = link.replace(/^(https:\/\/github\.com)\/[^/]+\/[^/]+\//, `$1/${repository}/`);
  const aliases = id === null ? [formerly] : [link, formerly];
  const words = withoutComments(text ?? "").trim();
  const origin =
    number === undefined ? {} : { origin: { type: "github", repository, number, thing: "issue" } as const };
  return {
    id: id ?? link,
    aliases,
    link,
    title: `${repository} ${title}`,
    text: words,
    publishedAt,
    ...origin,
  };
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
  const entries = Array.isArray(json) ? json.slice(0, PAGE_ENTRIES) : json;
  const result = v.safeParse(v.array(schema), entries, { abortEarly: true });
  if (result.success) return result.output;
  const issue = result.issues[0];
  throw new SourceUnreadable(
    `${url} answered something else than expected, at ${v.getDotPath(issue) ?? "the top"}: ${issue.message}`,
  );
}
