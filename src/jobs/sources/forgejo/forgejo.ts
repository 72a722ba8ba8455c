import { collectListings } from "../forge/forge.ts";
import { type Entry, repositoryItem } from "../forge/listing.ts";
import type { ForgeContext } from "../forge/read-pages.ts";
import { plainUrl } from "../forge/settings.ts";
import { entriesOf } from "../github/entries.ts";
import type { Collected } from "../source.ts";
import type { ForgejoSource } from "./settings.ts";

/** As many as Forgejo gives unless its owner says otherwise. */
const PAGE_MAX = 50;

const PATHS = {
  releases: "releases",
  issues: "issues?type=issues&state=open",
  pull_requests: "pulls?state=open",
} as const;

/**
 * What is new in a repository, by the API of Forgejo and Gitea (forgejo.org/docs/latest/user/api-usage), whose entries are as GitHub's.
 * @throws SourceUnreadable for an answer that is none, or a refusal; and what `egress.fetch` throws.
 */
export async function collectForgejo(source: ForgejoSource, context: ForgeContext): Promise<Collected> {
  const { forgejo: repository, token, name } = source;
  const server = plainUrl(source.url);
  const request = {
    accept: "application/json",
    credential:
      token === undefined ? undefined : ({ header: "authorization", value: `token ${token}` } as const),
    sizeParameter: "limit",
    tokenHint: "token: with read:repository and read:issue",
  } as const;
  const entries = entriesOf(new URL(server).host);
  const listings = source.events.map((event) => {
    const url = `${server}/api/v1/repos/${repository}/${PATHS[event]}`;
    return [event, { url, entry: entries[event], pageMax: PAGE_MAX }] as const;
  });
  const rawItem = (entry: Entry) => repositoryItem(repository, entry);
  const collecting = { label: name ?? repository, max_items: source.max_items, request, rawItem };
  return await collectListings(listings, collecting, context);
}
