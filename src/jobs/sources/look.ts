import { askedKeys, groupItems, selectNew } from "../items/select.ts";
import type { JobContext, SourceReport } from "../job.ts";
import { fetchSources, reviewOmissions, reviewOutages } from "./fetch-sources.ts";
import type { SourceSettings } from "./registry.ts";

/**
 * Reads the sources of a job, in steps that its run then finds done: whether there is an item that it has not had, or something to
 * say of a source.
 */
export async function lookAtSources(
  context: JobContext<{ sources: SourceSettings[] }>,
): Promise<{ isNew: boolean; sources: SourceReport[] }> {
  const { fetched, reports: sources } = await fetchSources(context);
  const outages = await reviewOutages(context, sources);
  const omitted = await reviewOmissions(
    context,
    fetched.map(({ notes }, index) => ({ id: sources[index]?.id ?? "", notes })),
  );
  const groups = groupItems(fetched.map(({ items }) => items));
  const { chosen } = selectNew(groups, await context.isSeen(askedKeys(groups)), 1);
  return { isNew: chosen.length > 0 || outages.isNews || omitted.isNews, sources };
}
