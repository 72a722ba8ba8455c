import type { Item } from "../../src/jobs/items/item.ts";
import { type Fetched, fetchSources } from "../../src/jobs/sources/fetch-sources.ts";
import type { SourceSettings } from "../../src/jobs/sources/registry.ts";
import { testEgress } from "../egress/harness.ts";
import { fakeJob, type JobMemory } from "./job-context.ts";

/** A job with one source, run again and again as a digest would: what it is given is remembered, and what is kept stays. */
export async function sourceRuns(settings: object, { base = "/nowhere" } = {}) {
  const { egress } = await testEgress({ config: { requestsPerMinute: 60_000 } });
  let memory: JobMemory | undefined;
  let slotMs = Date.UTC(2026, 10, 21, 6);
  /** One run; `takes` says how many of the items the job has room for. */
  async function run(takes = 1_000): Promise<Fetched> {
    slotMs += 3_600_000;
    const sources = [settings as SourceSettings];
    const job = fakeJob({ sources }, { base, egress, slotMs, ...(memory && { memory }) });
    const { fetched } = await fetchSources(job.context);
    const [found] = fetched;
    const taken = found!.items.slice(0, takes);
    job.context.remember(taken.flatMap((item: Item) => [item.key, ...(item.aliases ?? [])]));
    memory = job.finish();
    return found!;
  }
  return { run };
}
