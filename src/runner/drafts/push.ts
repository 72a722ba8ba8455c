import type { Config } from "../../config/config.ts";
import type { Outgoing } from "../../egress/types.ts";
import type { PushRequest } from "../../jobs/actions/action.ts";
import { SourceMissing } from "../../jobs/actions/references.ts";
import { pushBranch } from "../../jobs/agent/push.ts";
import { mirrorOf } from "../../jobs/agent/repository.ts";
import type { AgentSettings } from "../../jobs/agent/settings.ts";

type PushSettings = NonNullable<AgentSettings["pullRequest"]>;

/** What afk.yaml says now of the pull requests of a job. @throws SourceMissing where it says nothing any more. */
export function pushSettings({ jobs }: Pick<Config, "jobs">, job: string): PushSettings {
  const entry = jobs.find(({ name, kind }) => name === job && kind === "agent");
  const { pullRequest } = (entry?.settings ?? { pullRequest: null }) as Pick<AgentSettings, "pullRequest">;
  if (pullRequest !== null) return pullRequest;
  throw new SourceMissing(
    `afk.yaml has no job ${job} any more that drafts pull requests; put it back, or reject the draft`,
  );
}

/**
 * Whether a push may be made at all, before anything is sent.
 * @throws EgressRefused for a host that is not in egress.allow; SourceMissing where afk.yaml names another repository now.
 */
export function checkPush(
  { config, outgoing }: { config: Pick<Config, "jobs">; outgoing: Outgoing },
  { job, remote }: PushRequest,
): PushSettings {
  const settings = pushSettings(config, job);
  if (settings.remote !== null && settings.remote !== remote)
    throw new SourceMissing(
      `afk.yaml names ${settings.remote} for job ${job}, and this goes somewhere else; reject the draft`,
    );
  outgoing.prepare(remote, { method: "POST", headers: {}, body: null, idempotencyKey: "" });
  return settings;
}

/** Pushes a drafted branch with the token that afk.yaml has now. Throws as `checkPush` and `pushBranch` do. */
export async function push(
  { config, outgoing }: { config: Pick<Config, "jobs" | "paths">; outgoing: Outgoing },
  wanted: PushRequest,
  signal: AbortSignal,
): Promise<void> {
  const { token } = checkPush({ config, outgoing }, wanted);
  await pushBranch(mirrorOf(config.paths.repos, wanted.job), wanted, { token, signal });
}
