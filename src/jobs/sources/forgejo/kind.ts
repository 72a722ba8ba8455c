import { openTokenIssues, plainUrl } from "../forge/settings.ts";
import type { SourceKind } from "../source-kind.ts";
import { type ForgejoSource, forgejoSettings } from "./settings.ts";

/** Repositories on Forgejo and Gitea. */
export const forgejoKind: SourceKind<ForgejoSource> = {
  key: "forgejo",
  settings: forgejoSettings,
  label: ({ name, forgejo }) => name ?? forgejo,
  id: ({ url, forgejo }) => `forgejo ${plainUrl(url)} ${forgejo}`,
  hosts: ({ url }) => [new URL(url).hostname],
  check: ({ url, token }) => openTokenIssues("url", url, token),
  collect: async (source, context) => await (await import("./forgejo.ts")).collectForgejo(source, context),
};
