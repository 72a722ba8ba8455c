import type { Alerting } from "../alerting.ts";
import type { Finding } from "./finding.ts";

/**
 * Tells, once, that what was told of is over: of each kind the newest alert, when it is not found any more and its end
 * was not told of before. While another episode of the same kind lasts, nothing has recovered.
 * @returns the titles of what is over.
 */
export async function tellRecovered(alerting: Alerting, findings: readonly Finding[]): Promise<string[]> {
  const over: string[] = [];
  await alerting.store.atomically(async (trx) => {
    for (const event of ["heartbeat_late", "no_output"] as const) {
      if (findings.some((finding) => finding.event === event)) continue;
      const told = await trx
        .selectFrom("alerts")
        .select(["key", "payload"])
        .where("event", "=", event)
        .orderBy("id", "desc")
        .limit(1)
        .executeTakeFirst();
      if (told === undefined) continue;
      const key = `recovered:${told.key}`;
      const known = await trx.selectFrom("alerts").select("key").where("key", "=", key).executeTakeFirst();
      if (known !== undefined) continue;
      const { title } = JSON.parse(told.payload) as { title: string };
      over.push(title);
      await alerting.outbox.announce(trx, {
        event: "recovered",
        title: `Over: ${title}`,
        message: `${MEANING[event]} Nothing is to be done. What happened: afk logs --event ${event}`,
        key,
      });
    }
  });
  return over;
}

/** Tells that configuration and state can be used again; `sinceMs` is when it was told that they cannot. */
export async function tellUsable(alerting: Alerting, sinceMs: number): Promise<string[]> {
  const title = "afk can be used again";
  await alerting.store.atomically((trx) =>
    alerting.outbox.announce(
      trx,
      {
        event: "recovered",
        title,
        message:
          "Configuration and state can be read again, and ticks can run. Nothing is to be done. Look: afk status",
        key: `recovered:unusable:${sinceMs}`,
      },
      "quiet",
    ),
  );
  return [title];
}

const MEANING = {
  heartbeat_late: "Ticks run again.",
  no_output: "Ticks give output again.",
} as const;
