import { askedKeys, type Group, groupItems } from "../items/select.ts";
import type { JobContext } from "../job.ts";
import { fetchSources, reviewOmissions, reviewOutages } from "./fetch-sources.ts";
import type { SourceSettings } from "./registry.ts";

/** What a run finds in its sources: see `fetchSources`. `groups` are by source; `seen` are the keys of them that were had. */
export type SourcesRead = Awaited<ReturnType<typeof fetchSources>> & {
  groups: Group[][];
  seen: Set<string>;
  /** What there is to tell of sources as such: `keys` are to be remembered then. */
  told: { isNews: boolean; keys: string[] };
};

/** Reads all sources, in steps, and what is known of their items and failures from earlier runs. Throws as `fetchSources` does. */
export async function readSources(context: JobContext<{ sources: SourceSettings[] }>): Promise<SourcesRead> {
  const read = await fetchSources(context);
  const outages = await reviewOutages(context, read.reports);
  const omitted = await reviewOmissions(
    context,
    read.fetched.map(({ notes }, index) => ({ id: read.reports[index]?.id ?? "", notes })),
  );
  const groups = groupItems(read.fetched.map(({ items }) => items));
  const seen = await context.isSeen(askedKeys(groups));
  const told = { isNews: outages.isNews || omitted.isNews, keys: [...outages.keys, ...omitted.keys] };
  return { ...read, groups, seen, told };
}
