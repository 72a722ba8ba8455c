import type { Config } from "./config.ts";
import type { ConfigIssue } from "./errors.ts";
import { hostMatches } from "./hosts.ts";
import type { JobSettingsKind } from "./job-kind.ts";
import { isAddress } from "./only-if.ts";
import { formatPath } from "./path.ts";

/** What is wrong with the looks of jobs, in view of their kinds and the hosts that may be asked. */
export function onlyIfIssues({ jobs, egress }: Config, kinds: readonly JobSettingsKind[]): ConfigIssue[] {
  return jobs.flatMap(({ onlyIf, kind: name }, index) => {
    const path = formatPath(["jobs", index, "only_if"]);
    const kind = kinds.find(({ kind }) => kind === name);
    if (onlyIf?.type === "news" && kind !== undefined && kind.look === undefined)
      return [
        {
          path,
          message: `a job of kind ${name} has no sources; write { changed: ./list.txt } with a path or an address`,
        },
      ];
    if (onlyIf?.type !== "changed") return [];
    const hosts = onlyIf.watched.filter(isAddress).map((address) => URL.parse(address)?.hostname ?? address);
    const closed = hosts.filter((host) => !egress.allow.some((pattern) => hostMatches(pattern, host)));
    return closed.map((host) => ({ path, message: `${host} is not in egress.allow; add ${host} to it` }));
  });
}
