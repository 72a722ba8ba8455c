import type { JobConfig } from "../../config/config.ts";
import { isAllowed } from "../../egress/allowlist.ts";
import type { DigestSettings } from "../../jobs/digest/settings.ts";
import { readPrinted } from "../../jobs/printed-items.ts";
import { DAY_MS } from "../../lib/durations.ts";
import { type Finding, type Found, ok, type WithStore, warn } from "../../ops/doctor/check.ts";

const DAYS = 30;
const HOSTS_NAMED = 10;

/** The hosts of articles that digests with `full_text` could not read of late, as `egress.allow` has them not. */
export async function articleHosts({ config, store, clock }: WithStore): Promise<Found> {
  const jobs = config.jobs.filter(readsArticles);
  const nowMs = clock.nowMs();
  const findings: Finding[] = [];
  for (const { name } of jobs) {
    const printed = await readPrinted(store.db, {
      jobs: [name],
      fromMs: nowMs - DAYS * DAY_MS,
      untilMs: nowMs,
    });
    const hosts = printed.flatMap(({ link }) => (link === null ? [] : [new URL(link).hostname]));
    const closed = Map.groupBy(hosts, (host) => host);
    for (const host of closed.keys()) if (isAllowed(host, config.egress.allow)) closed.delete(host);
    if (closed.size === 0) continue;
    const named = [...closed]
      .toSorted(([a, one], [b, other]) => other.length - one.length || (a < b ? -1 : 1))
      .slice(0, HOSTS_NAMED)
      .map(([host, items]) => `${host} (${items.length})`);
    const more = closed.size > HOSTS_NAMED ? ` and ${closed.size - HOSTS_NAMED} more` : "";
    const found = `job ${name}: articles of the last ${DAYS} days were not read at ${named.join(", ")}${more}`;
    findings.push(warn(found, "add the hosts to egress.allow, or leave it: the feed's own text stands"));
  }
  if (findings.length > 0) return findings;
  return jobs.length === 0 ? [] : ok("the hosts of all articles are allowed");
}

function readsArticles({ kind, settings }: JobConfig): boolean {
  if (kind !== "digest") return false;
  const { sources, fullText } = settings as DigestSettings;
  return sources.some((source) => "feed" in source && (source.full_text ?? fullText));
}
