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

/**
 * Who gets a delivery as afk.yaml is now: the entry of its job that has its address still, also where that is called otherwise
 * by now; else the entry of its name that wants such results, whose address was corrected. Undefined where it was taken out.
 */
export function receiverOf(
  jobs: Config["jobs"],
  { name, receiver, outcome, channel }: { name: string; receiver: string; outcome: Outcome; channel: string },
): ReceiverConfig | undefined {
  const { deliver = [] } = jobs.find((job) => job.name === name) ?? {};
  const there = deliver.filter(({ target }) => channelOfTarget(target) === channel);
  const named = (there.length > 0 ? there : deliver).filter((each) => each.name === receiver);
  const found = there.length > 0 && named.length === 0 ? there : named;
  // One that has an entry for failures alone may have another for the rest.
  const fitting = found.find(({ when }) => (outcome === "dead") === (when === "failed"));
  const wants = ({ when }: ReceiverConfig) => when !== (outcome === "dead" ? "new" : "failed");
  return fitting ?? (there.length > 0 ? found[0] : found.find(wants));
}

/** What is served one message after the other: every target of the configuration, as `channelOfTarget` names it. */
export function targetsOf({ jobs }: Pick<Config, "jobs">): string[] {
  return [...new Set(jobs.flatMap(({ deliver }) => deliver.map(({ target }) => channelOfTarget(target))))];
}

/** The entries of afk.yaml that a target has now, each with the name of its job. */
export function receiversAt({ jobs }: Pick<Config, "jobs">, target: string): { job: string; name: string }[] {
  return jobs.flatMap((job) =>
    job.deliver
      .filter((each) => channelOfTarget(each.target) === target)
      .map(({ name }) => ({ job: job.name, name })),
  );
}
