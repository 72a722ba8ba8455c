import { selectNew } from "../items/select.ts";
import type { JobContext, SourceReport } from "../job.ts";
import { readSources } from "./read-sources.ts";
import type { SourceSettings } from "./registry.ts";

/**
 * Reads the sources of a job, in steps that its run then finds done: whether there is an item that it has not had, or something to
 * say of a source.
 */
export async function lookAtSources(
  context: JobContext<{ sources: SourceSettings[] }>,
): Promise<{ isNew: boolean; sources: SourceReport[] }> {
  const { reports: sources, groups, seen, told } = await readSources(context);
  const { chosen } = selectNew(groups, seen, 1);
  return { isNew: chosen.length > 0 || told.isNews, sources };
}
