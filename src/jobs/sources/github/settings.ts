import * as v from "valibot";
import { list, section, text, url } from "../../../config/fields.ts";
import { sourceEntries } from "../source-entries.ts";

/** Where GitHub answers. */
export const GITHUB_HOST = "api.github.com";
/** The same, as an address. */
const GITHUB_API: string = `https://${GITHUB_HOST}`;

const GITHUB_EVENTS = ["releases", "commits", "issues"] as const;

const WRITE_EVENTS = "write a list of releases, commits or issues, for example [releases, issues]";
/** An entry of `sources` of this kind. */
export const githubSettings = section("A public repository on GitHub.", {
  github: text(
    "The repository.",
    "write owner/repository, for example octo-org/octo-repo",
    /^[A-Za-z0-9][A-Za-z0-9-]{0,38}\/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/,
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
      "For drafts that label, comment or assign: a token that may write issues of this repository.",
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
