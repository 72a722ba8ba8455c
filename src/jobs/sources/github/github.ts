import type { RawItem } from "../../items/item.ts";
import { collectListings } from "../forge/forge.ts";
import { type Entry, type ForgeRequest, type Listing, repositoryItem } from "../forge/listing.ts";
import { type ForgeContext, readPages } from "../forge/read-pages.ts";
import type { Collected } from "../source.ts";
import { entriesOf, notification } from "./entries.ts";
import { type GithubEvent, type GithubSource, githubApi, githubLabel, NOTIFICATIONS } from "./settings.ts";

/** As many as GitHub gives. */
const PAGE_MAX = 100;
const NOTIFICATIONS_PAGE_MAX = 50;
/** Of one's own pull requests, whose reviews are read. */
const OWN_MAX = 20;

const entries = entriesOf();

/**
 * What is new in a repository, or among the notifications of the token's owner, by GitHub's REST API (docs.github.com/rest): the
 * newest `max_items` of each event.
 * @throws SourceUnreadable for an answer that is none, or a refusal; and what `egress.fetch` throws.
 */
export async function collectGithub(source: GithubSource, context: ForgeContext): Promise<Collected> {
  const { token, github: repository } = source;
  const request: ForgeRequest = {
    accept: "application/vnd.github+json",
    headers: { "X-GitHub-Api-Version": "2022-11-28" },
    credential: token === undefined ? undefined : { header: "authorization", value: `Bearer ${token}` },
    sizeParameter: "per_page",
    tokenHint: "token: of an account that may read it",
  };
  const collecting = { label: githubLabel(source), max_items: source.max_items, request };
  if (repository === NOTIFICATIONS) {
    const listing = {
      url: `${githubApi(source)}/notifications`,
      entry: notification,
      pageMax: NOTIFICATIONS_PAGE_MAX,
    };
    return await collectListings(
      [["notifications", listing]],
      { ...collecting, rawItem: plainItem },
      context,
    );
  }
  const listings: [string, Listing][] = [];
  for (const event of source.events) {
    if (event === "reviews") listings.push(...(await reviewListings(source, request, context)));
    else listings.push([event, listingOf(source, event)]);
  }
  const rawItem = (entry: Entry) => itemOf(repository, entry);
  return await collectListings(listings, { ...collecting, rawItem }, context);
}

const PATHS: Record<Exclude<GithubEvent, "reviews">, { path: string; key?: string }> = {
  releases: { path: "releases" },
  commits: { path: "commits" },
  issues: { path: "issues" },
  pull_requests: { path: "pulls" },
  failed_runs: { path: "actions/runs?status=failure", key: "workflow_runs" },
};

function listingOf(source: GithubSource, event: Exclude<GithubEvent, "reviews">): Listing {
  const { path, ...rest } = PATHS[event];
  return { url: `${repositoryUrl(source)}/${path}`, entry: entries[event], pageMax: PAGE_MAX, ...rest };
}

/** Reviews that are asked of the token's owner, and those of the owner's open pull requests. */
async function reviewListings(
  source: GithubSource,
  request: ForgeRequest,
  context: ForgeContext,
): Promise<[string, Listing][]> {
  const search = (what: string): Listing => ({
    url: `${githubApi(source)}/search/issues?q=${encodeURIComponent(`is:pr is:open repo:${source.github} ${what}`)}&sort=updated`,
    key: "items",
    entry: entries.requested,
    pageMax: PAGE_MAX,
  });
  const own = await readPages(search("author:@me"), { request, itemsMax: OWN_MAX }, context);
  const reviews = own.entries.map(({ number = 0 }): [string, Listing] => [
    "reviews",
    {
      url: `${repositoryUrl(source)}/pulls/${number}/reviews`,
      entry: entries.review(number),
      pageMax: PAGE_MAX,
    },
  ]);
  return [["review requests", search("review-requested:@me")], ...reviews];
}

function repositoryUrl(source: GithubSource): string {
  return `${githubApi(source)}/repos/${source.github}`;
}

function plainItem({ id, link, title, text, publishedAt }: Entry): RawItem {
  return { id: id ?? link, link, title, text, publishedAt };
}

/** Under its address it was remembered before; under that with the name that the owner wrote, if the repository was renamed since. */
function itemOf(repository: string, entry: Entry): RawItem {
  const { id, number, thing, link } = entry;
  const formerly = link.replace(/^(https:\/\/github\.com)\/[^/]+\/[^/]+\//, `$1/${repository}/`);
  const hasOrigin = number !== undefined && thing !== undefined;
  return {
    ...repositoryItem(repository, entry),
    aliases: id === null ? [formerly] : [link, formerly],
    ...(hasOrigin && { origin: { type: "github", repository, number, thing } as const }),
  };
}
