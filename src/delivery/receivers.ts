import { createHash } from "node:crypto";
import { channelId } from "../alerts/channels/registry.ts";
import type { Config } from "../config/config.ts";
import type { ReceiverConfig, Target } from "../config/deliver.ts";
import type { Outcome } from "../store/schema/results.ts";

/** Names a target in tables, without an address that is a secret: a channel's id; of others the type, with a hash of the path. */
export function channelOfTarget(target: Target): string {
  switch (target.type) {
    case "channel":
      return channelId(target.channel);
    case "feed":
      return "feed";
    case "file":
      return `file:${createHash("sha256").update(target.path).digest("hex").slice(0, 16)}`;
  }
}

/** The receiver of a job's outcome by its name, as afk.yaml has it now; undefined where it was taken out. */
export function receiverOf(
  jobs: Config["jobs"],
  { name, receiver, outcome }: { name: string; receiver: string; outcome: Outcome },
): ReceiverConfig | undefined {
  const named = jobs.find((job) => job.name === name)?.deliver.filter((each) => each.name === receiver) ?? [];
  // One that has an entry for failures alone may have another for the rest.
  return named.find(({ when }) => (outcome === "dead") === (when === "failed")) ?? named[0];
}

/** What is served one message after the other: every target of the configuration, as `channelOfTarget` names it. */
export function receiverLanes({ jobs }: Pick<Config, "jobs">): string[] {
  return [...new Set(jobs.flatMap(({ deliver }) => deliver.map(({ target }) => channelOfTarget(target))))];
}
