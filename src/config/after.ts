import { didYouMean } from "../lib/nearest.ts";
import type { JobConfig } from "./config.ts";
import type { ConfigIssue } from "./errors.ts";
import { formatPath } from "./path.ts";

/** Jobs that follow on what there is not, and rings of jobs that would follow on each other for ever. */
export function afterIssues(jobs: readonly JobConfig[]): ConfigIssue[] {
  const names = jobs.map(({ name }) => name);
  return jobs.flatMap(({ name, after = [] }, job) =>
    after.flatMap((before, index) => {
      const path = formatPath(["jobs", job, "after", index]);
      if (!names.includes(before))
        return [{ path, message: `there is no job named ${before}. ${didYouMean(before, names)}` }];
      const ring = wayBetween(jobs, before, name);
      if (ring === null) return [];
      const message = `is a ring: ${[name, ...ring].join(" after ")}; each would start the next for ever, so take one of them out`;
      return [{ path, message }];
    }),
  );
}

/** The jobs from one to another, each of which follows on the next; null where there is no way. */
function wayBetween(
  jobs: readonly JobConfig[],
  from: string,
  to: string,
  passed = new Set<string>(),
): string[] | null {
  if (from === to) return [from];
  if (passed.has(from)) return null;
  passed.add(from);
  for (const before of jobs.find(({ name }) => name === from)?.after ?? []) {
    const rest = wayBetween(jobs, before, to, passed);
    if (rest !== null) return [from, ...rest];
  }
  return null;
}
