import * as v from "valibot";
import { collectListings } from "../forge/forge.ts";
import { type Entry, type Listing, repositoryItem, optionalText as text } from "../forge/listing.ts";
import type { ForgeContext } from "../forge/read-pages.ts";
import type { Collected } from "../source.ts";
import { type GitlabSource, gitlabUrl } from "./settings.ts";

const PAGE_MAX = 100;

/**
 * What is new in a project, by GitLab's REST API (docs.gitlab.com/api/rest).
 * @throws SourceUnreadable for an answer that is none, or a refusal; and what `egress.fetch` throws.
 */
export async function collectGitlab(source: GitlabSource, context: ForgeContext): Promise<Collected> {
  const { gitlab: project, token, name } = source;
  const request = {
    accept: "application/json",
    credential: token === undefined ? undefined : ({ header: "private-token", value: token } as const),
    sizeParameter: "per_page",
    tokenHint: "token: with the scope read_api",
  } as const;
  const listings = source.events.map((event) => [event, listingOf(source, event)] as const);
  const rawItem = (entry: Entry) => repositoryItem(project, entry);
  const collecting = { label: name ?? project, max_items: source.max_items, request, rawItem };
  return await collectListings(listings, collecting, context);
}

function listingOf(source: GitlabSource, event: GitlabSource["events"][number]): Listing {
  const server = gitlabUrl(source);
  const { host } = new URL(server);
  const project = `${server}/api/v4/projects/${encodeURIComponent(source.gitlab)}`;
  if (event === "releases") {
    const page = `${server}/${source.gitlab}/-/releases`;
    return { url: `${project}/releases`, entry: release(host, page, source.gitlab), pageMax: PAGE_MAX };
  }
  return { url: `${project}/${event}?state=opened`, entry: opened(host, event), pageMax: PAGE_MAX };
}

/** A release has no number of its own: its tag is what it is known by. */
const release = (host: string, page: string, project: string): v.GenericSchema<unknown, Entry | null> =>
  v.pipe(
    v.object({
      tag_name: v.string(),
      name: text,
      description: text,
      released_at: text,
      created_at: text,
      upcoming_release: v.nullish(v.boolean()),
    }),
    v.transform((entry) => {
      if (entry.upcoming_release === true) return null;
      return {
        id: `gitlab:${host}:release:${project}:${entry.tag_name}`,
        link: `${page}/${encodeURIComponent(entry.tag_name)}`,
        title: entry.name ?? entry.tag_name,
        text: entry.description,
        publishedAt: entry.released_at ?? entry.created_at,
      };
    }),
  );

const opened = (host: string, event: "issues" | "merge_requests"): v.GenericSchema<unknown, Entry> =>
  v.pipe(
    v.object({
      id: v.number(),
      iid: v.number(),
      title: v.string(),
      description: text,
      web_url: v.string(),
      created_at: text,
    }),
    v.transform((entry) => ({
      id: `gitlab:${host}:${event}:${entry.id}`,
      link: entry.web_url,
      title: `${event === "issues" ? "issue" : "merge request"} ${entry.iid}: ${entry.title}`,
      text: entry.description,
      publishedAt: entry.created_at,
    })),
  );
