import type { SourceKind } from "../source-kind.ts";
import { GITHUB_API, GITHUB_HOST, type GithubSource, githubLabel, githubSettings } from "./settings.ts";

/** Repositories on GitHub. */
export const githubKind: SourceKind<GithubSource> = {
  key: "github",
  settings: githubSettings,
  label: githubLabel,
  id: ({ github }) => `github ${github}`,
  hosts: () => [GITHUB_HOST],
  access: ({ token }) => (token === undefined ? null : { api: GITHUB_API, token }),
  collect: async (source, context) => await (await import("./github.ts")).collectGithub(source, context),
};
