import type * as v from "valibot";
import { section, text, url } from "../../../config/fields.ts";
import { forgeEntries } from "../forge/settings.ts";

/** An entry of `sources` of this kind. */
export const forgejoSettings = section("A repository on Forgejo or Gitea.", {
  forgejo: text(
    "The repository.",
    "write owner/repository, for example octo-org/octo-repo",
    /^[A-Za-z0-9_][\w.-]{0,100}\/[A-Za-z0-9_][\w.-]{0,100}$/,
  ),
  url: url("Address of the server.", "https://codeberg.org"),
  ...forgeEntries(["releases", "issues", "pull_requests"]),
});

/** A repository, and which of its events are read. */
export type ForgejoSource = v.InferOutput<typeof forgejoSettings>;
