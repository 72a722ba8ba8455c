import type { Config } from "../../config/config.ts";
import type { MailAccess } from "../../egress/imap/access.ts";
import type { ActionRequest } from "../../jobs/actions/action.ts";
import { findSource, SourceMissing, type SourceReference } from "../../jobs/actions/references.ts";
import { kindOf, type SourceSettings } from "../../jobs/sources/registry.ts";
import { pushSettings } from "./push.ts";

/** Stands in a preview for a credential. */
export const HIDDEN_AUTHORIZATION = "Bearer [the token of the source in afk.yaml]";

const GITHUB_API = "https://api.github.com";

/**
 * The authorization of a request, from the source or the job that a draft names: its token goes to its own API and nowhere else.
 * @throws SourceMissing where afk.yaml has no such source any more, no token for it, or its API is elsewhere.
 */
export function authorizationFor(
  config: Pick<Config, "jobs">,
  from: NonNullable<ActionRequest["credentials"]>,
  url: string,
): string {
  const access = "source" in from ? accessOf(findSource(config, from)) : accessOfJob(config, from.job);
  if (access === null)
    throw new SourceMissing(
      `the source that this was drafted for has no token in afk.yaml; give it one: token`,
    );
  const isThere = new URL(url).origin === new URL(access.api).origin;
  if (!isThere)
    throw new SourceMissing(
      `the token of the source belongs to ${access.api}, and this goes somewhere else; reject the draft`,
    );
  return `Bearer ${access.token}`;
}

/** The mailbox of the source that a draft names. @throws SourceMissing where afk.yaml has no such source any more. */
export function mailboxOf(config: Pick<Config, "jobs">, from: SourceReference): MailAccess {
  const source = findSource(config, from);
  if (!("imap" in source))
    throw new SourceMissing("the source that this was drafted for is no mailbox; reject the draft");
  return source.imap;
}

function accessOfJob(config: Pick<Config, "jobs">, job: string): { api: string; token: string } {
  const { api, token } = pushSettings(config, job);
  return { api: api ?? GITHUB_API, token };
}

function accessOf(source: SourceSettings): { api: string; token: string } | null {
  return kindOf(source).access?.(source) ?? null;
}
