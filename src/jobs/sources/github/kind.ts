import type { SourceKind } from "../source-kind.ts";
import { checkGithub, type GithubSource, githubApi, githubLabel, githubSettings } from "./settings.ts";

/** Repositories on GitHub. */
export const githubKind: SourceKind<GithubSource> = {
  key: "github",
  settings: githubSettings,
  label: githubLabel,
  id: ({ github, api }) => `github ${api === undefined ? "" : `${githubApi({ api })} `}${github}`,
  hosts: (source) => [new URL(githubApi(source)).hostname],
  check: checkGithub,
  access: ({ token, ...source }) => (token === undefined ? null : { api: githubApi(source), token }),
  collect: async (source, context) => await (await import("./github.ts")).collectGithub(source, context),
};
