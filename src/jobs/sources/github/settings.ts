import * as v from "valibot";
import type { ConfigIssue } from "../../../config/errors.ts";
import { list, section, text, url } from "../../../config/fields.ts";
import { openTokenIssues } from "../forge/settings.ts";
import { sourceEntries } from "../source-entries.ts";

/** Where GitHub answers. */
const GITHUB_HOST = "api.github.com";
/** The same, as an address. */
const GITHUB_API: string = `https://${GITHUB_HOST}`;

/** In place of a repository: what waits for the token's owner, of all repositories. */
export const NOTIFICATIONS = "notifications";

const GITHUB_EVENTS = ["releases", "commits", "issues", "pull_requests", "reviews", "failed_runs"] as const;

const WRITE_EVENTS =
  "write a list of releases, commits, issues, pull_requests, reviews and failed_runs, for example [releases, issues]";
/** An entry of `sources` of this kind. */
export const githubSettings = section("A repository on GitHub, or the notifications of a token's owner.", {
  github: text(
    "The repository; or `notifications`, for those of the token's owner.",
    "write owner/repository, for example octo-org/octo-repo, or notifications",
    /^(?:notifications|[A-Za-z0-9][A-Za-z0-9_-]{0,38}\/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100})$/,
  ),
  events: v.optional(
    list(
      "What to read of the repository.",
      WRITE_EVENTS,
      v.picklist(GITHUB_EVENTS, WRITE_EVENTS),
      GITHUB_EVENTS.length,
    ),
    ["releases"],
  ),
  api: v.optional(
    url(
      "Address of the API; https://api.github.com unless stated. GitHub Enterprise has it at https://HOST/api/v3.",
      "https://github.example.org/api/v3",
    ),
  ),
  token: v.optional(
    text(
      "A token, for private repositories, reviews and notifications; and for drafts that label, comment or assign, one that may write issues.",
      "write a token as a text; better the name of a variable of the environment, as docs/sources.md shows",
      /^[\x21-\x7e]+$/,
      500,
    ),
  ),
  ...sourceEntries,
});

/** A repository, and which of its events are read. */
export type GithubSource = v.InferOutput<typeof githubSettings>;
/** One of them. */
export type GithubEvent = GithubSource["events"][number];

/** Address of the API, without a slash at its end. */
export function githubApi({ api = GITHUB_API }: Pick<GithubSource, "api">): string {
  return api.replace(/\/+$/, "");
}

/** What the job calls it: its name, else the repository. */
export function githubLabel({ name, github }: GithubSource): string {
  return name ?? github;
}

/** What asks for a token, and tokens that anybody on the network could read. */
export function checkGithub({ github, events, token, api }: GithubSource): ConfigIssue[] {
  const needs = github === NOTIFICATIONS ? NOTIFICATIONS : events.find((event) => event === "reviews");
  const missing =
    token === undefined && needs !== undefined
      ? [{ path: "token", message: `is missing; ${needs} are those of a token's owner` }]
      : [];
  return [...missing, ...openTokenIssues("api", api, token)];
}
