import type { JobConfig } from "../../config/config.ts";
import type { ReceiverConfig } from "../../config/deliver.ts";
import { fileObstacle } from "../../delivery/files.ts";
import { bad, type Finding, type Found, ok, type WithStore } from "./check.ts";
import { lastSent } from "./last-sent.ts";

/** What became of the last result at each receiver, and whether copies could be written. */
export async function deliveries(subject: WithStore): Promise<Found> {
  const receivers = subject.config.jobs.flatMap((job) =>
    // One that has an entry for failures and one for the rest is one.
    [...new Map(job.deliver.map((each) => [each.name, each])).values()].map((each) => [job, each] as const),
  );
  return await Promise.all(
    receivers.map(async ([job, receiver]) => ({
      name: `results of ${job.name} to ${receiver.name}`,
      ...(await check(job, receiver, subject)),
    })),
  );
}

async function check(
  job: JobConfig,
  { name, target }: ReceiverConfig,
  { store, clock, config }: WithStore,
): Promise<Finding> {
  const obstacle = target.type === "file" ? await fileObstacle(target, config.paths) : null;
  if (obstacle !== null) return bad(`a copy cannot be written: ${obstacle}`, "make the folder, or mend path");
  const last = await store.db
    .selectFrom("deliveries")
    .innerJoin("results", (join) =>
      join
        .onRef("results.job_id", "=", "deliveries.job_id")
        .onRef("results.outcome", "=", "deliveries.outcome"),
    )
    .select(["state", "attempts", "error", "updated_at"])
    .where("results.name", "=", job.name)
    .where("receiver", "=", name)
    .where("attempts", ">", 0)
    .orderBy("updated_at", "desc")
    .limit(1)
    .executeTakeFirst();
  if (last === undefined) return ok("configured; nothing was sent yet");
  const again = `mend the receiver, then: afk deliver ${job.name} --to ${name}`;
  return lastSent("result", last, { nowMs: clock.nowMs(), again });
}
