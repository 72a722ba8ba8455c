import { isDeepStrictEqual } from "node:util";
import { jobNameOf } from "../lib/run-key.ts";
import type { AlertRoutesTable } from "../store/schema/alerts.ts";
import type { Db, Trx } from "../store/schema.ts";
import type { Store } from "../store/store.ts";
import type { AlertPayload } from "./events.ts";

/** A job of the configuration, with the channels that its alerts go to where it names some. */
interface RoutedJob {
  name: string;
  alerts?: string[];
}

/** What of an alert says whose it is. */
export type About = { event: string } & Pick<AlertPayload, "window" | "scope" | "job">;

/** Takes over to which channels the alerts of jobs go, as `takeOverChannels` does the channels. */
export async function takeOverRoutes(store: Store, jobs: readonly RoutedJob[]): Promise<void> {
  const wanted = jobs
    .flatMap(({ name: job, alerts }) =>
      alerts === undefined ? [] : [{ job, channels: JSON.stringify(alerts) }],
    )
    .sort(byJob);
  if (isDeepStrictEqual(await readRoutes(store.db), wanted)) return;
  await store.atomically(async (trx) => {
    await trx.deleteFrom("alert_routes").execute();
    for (const route of wanted) await trx.insertInto("alert_routes").values(route).execute();
  });
}

/** The names of the channels that an alert goes to alone; null where it goes to all. */
export async function routeOf(trx: Trx, alert: About): Promise<string[] | null> {
  const routes = await readRoutes(trx);
  const job = routes.length === 0 ? null : await jobOf(trx, alert);
  const route = routes.find((each) => each.job === job);
  return route === undefined ? null : (JSON.parse(route.channels) as string[]);
}

/** What happened to the process, or to a model until a person resumes, concerns every job. */
const OF_THE_AGENT = new Set<string>(["wedged", "overrun"]);

/** The name of the job that an alert is of; null for one that concerns the agent, as a cap of its own does that a job's call met. */
async function jobOf(trx: Trx, { event, window, scope, job }: About): Promise<string | null> {
  if (OF_THE_AGENT.has(event)) return null;
  const [, owner] = /^job:(.*)$/.exec(scope ?? "") ?? [];
  if (owner !== undefined) return owner;
  if (job === undefined || (window !== undefined && window !== "job")) return null;
  // A key that a person gave does not say whose run it is.
  const run = await trx.selectFrom("jobs").select("name").where("key", "=", job).executeTakeFirst();
  return run?.name ?? jobNameOf(job);
}

const byJob = (a: AlertRoutesTable, b: AlertRoutesTable) => (a.job < b.job ? -1 : 1);

async function readRoutes(db: Db): Promise<AlertRoutesTable[]> {
  return (await db.selectFrom("alert_routes").select(["job", "channels"]).execute()).sort(byJob);
}
