import * as v from "valibot";
import { section, text, url } from "../../../config/fields.ts";
import { forgeEntries, plainUrl } from "../forge/settings.ts";

/** An entry of `sources` of this kind. */
export const gitlabSettings = section("A project on GitLab.", {
  gitlab: text(
    "The project, with its groups.",
    "write group/project, for example octo-group/octo-project",
    /^[A-Za-z0-9_][\w.-]{0,100}(?:\/[A-Za-z0-9_][\w.-]{0,100}){1,10}$/,
    1_000,
  ),
  url: v.optional(
    url("Address of the server; https://gitlab.com unless stated.", "https://gitlab.example.org"),
  ),
  ...forgeEntries(["releases", "issues", "merge_requests"]),
});

/** A project, and which of its events are read. */
export type GitlabSource = v.InferOutput<typeof gitlabSettings>;

/** Address of the server. */
export function gitlabUrl({ url: address = "https://gitlab.com" }: Pick<GitlabSource, "url">): string {
  return plainUrl(address);
}
