import { openTokenIssues } from "../forge/settings.ts";
import type { SourceKind } from "../source-kind.ts";
import { type GitlabSource, gitlabSettings, gitlabUrl } from "./settings.ts";

/** Projects on GitLab, whichever server it is. */
export const gitlabKind: SourceKind<GitlabSource> = {
  key: "gitlab",
  settings: gitlabSettings,
  label: ({ name, gitlab }) => name ?? gitlab,
  id: (source) => `gitlab ${gitlabUrl(source)} ${source.gitlab}`,
  hosts: (source) => [new URL(gitlabUrl(source)).hostname],
  check: ({ url, token }) => openTokenIssues("url", url, token),
  collect: async (source, context) => await (await import("./gitlab.ts")).collectGitlab(source, context),
};
