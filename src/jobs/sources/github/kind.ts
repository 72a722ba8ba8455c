import { SourceUnreadable } from "../source.ts";
import type { SourceKind } from "../source-kind.ts";
import {
  checkGithub,
  type GithubSource,
  githubApi,
  githubLabel,
  githubSettings,
  NOTIFICATIONS,
} from "./settings.ts";

/** What is to be done, by GitHub's answer. */
const REFUSALS: Record<number, string> = {
  401: "the token is none, was revoked or has run out: make a new one",
  403: "the token may not read it, or its requests of this hour are used up",
  404: "there is no such repository, or the token may not read it",
  429: "its requests of this hour are used up",
};

/** Repositories on GitHub. */
export const githubKind: SourceKind<GithubSource> = {
  key: "github",
  settings: githubSettings,
  label: githubLabel,
  id: ({ github, api }) => `github ${api === undefined ? "" : `${githubApi({ api })} `}${github}`,
  hosts: (source) => [new URL(githubApi(source)).hostname],
  check: checkGithub,
  access: ({ token, ...source }) => (token === undefined ? null : { api: githubApi(source), token }),
  examine: async (source, { statusOf }) => {
    const { github, token } = source;
    const path = github === NOTIFICATIONS ? "notifications?per_page=1" : `repos/${github}`;
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const status = await statusOf(`${githubApi(source)}/${path}`, {
      accept: "application/vnd.github+json",
      ...headers,
    });
    const how = token === undefined ? "without a token" : "with its token";
    if (status < 400) return `${github} can be read ${how}`;
    const why = REFUSALS[status] ?? "wait, or look at githubstatus.com";
    throw new SourceUnreadable(`GitHub answered ${status} for ${github}, asked ${how}; ${why}`);
  },
  collect: async (source, context) => await (await import("./github.ts")).collectGithub(source, context),
};
