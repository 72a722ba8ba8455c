import * as v from "valibot";
import type { Config, JobConfig } from "../../config/config.ts";
import type { ConfigIssue } from "../../config/errors.ts";
import { list } from "../../config/fields.ts";
import { READING_KINDS } from "../../config/job-kind.ts";
import { isAllowed } from "../../egress/allowlist.ts";
import { assert } from "../../lib/errors.ts";
import { shortHash } from "../items/identity.ts";
import { calendarKind } from "./calendar/kind.ts";
import { commandKind } from "./command/kind.ts";
import { feedKind } from "./feed/kind.ts";
import { folderKind } from "./folder/kind.ts";
import { forgejoKind } from "./forgejo/kind.ts";
import { githubKind } from "./github/kind.ts";
import { gitlabKind } from "./gitlab/kind.ts";
import { imapKind } from "./imap/kind.ts";
import { logKind } from "./log/kind.ts";
import { pageKind } from "./page/kind.ts";
import type { SourceKind } from "./source-kind.ts";

/** Every kind of source there is; each entry of `sources` has the key of one. */
const KINDS = [
  feedKind,
  githubKind,
  folderKind,
  imapKind,
  calendarKind,
  pageKind,
  commandKind,
  logKind,
  gitlabKind,
  forgejoKind,
] as const;

/** One entry of `sources`. */
export type SourceSettings = v.InferOutput<(typeof KINDS)[number]["settings"]>;

const KEYS = KINDS.map(({ key }) => key);
const NAMES = `${KEYS.slice(0, -1).join(", ")} or ${KEYS.at(-1)}`;

/** The key `sources` of a job that reads. */
export function sourcesSchema(most = 50) {
  const options: v.GenericSchema<unknown, SourceSettings>[] = KINDS.map(({ settings }) => settings);
  const write = `write a list of 1 to ${most} sources, each with ${NAMES}`;
  return list(
    "Where items come from.",
    write,
    v.union(options, `write a source with one of the keys ${NAMES}`),
    most,
  );
}

/** The kind of an entry. */
export function kindOf(source: SourceSettings): SourceKind<SourceSettings> {
  const kind = KINDS.find(({ key }) => Object.hasOwn(source, key));
  assert(kind !== undefined, "a source of no kind");
  return kind as SourceKind<SourceSettings>;
}

/** What the job calls the source: its name, else what the owner wrote, shortened. */
export function sourceLabel(source: SourceSettings): string {
  return kindOf(source).label(source);
}

/** The same for the same place, whatever the source is called. */
export function sourceId(source: SourceSettings): string {
  return shortHash(kindOf(source).id(source));
}

/** The sources of a job of afk.yaml; none where it reads none. */
export function sourcesOf({ kind, settings }: Pick<JobConfig, "kind" | "settings">): SourceSettings[] {
  // A program that uses the library may have put a kind of its own in the place of one.
  return READING_KINDS.includes(kind) ? ((settings as { sources?: SourceSettings[] }).sources ?? []) : [];
}

/** An issue for each source whose host `egress.allow` does not cover, and what its kind finds. Paths start at the job. */
export function checkSources(sources: readonly SourceSettings[], config: Config): ConfigIssue[] {
  return sources.flatMap((source, index) => {
    const kind = kindOf(source);
    const closed = (kind.hosts?.(source) ?? []).filter((host) => !isAllowed(host, config.egress.allow));
    const ofHosts = closed.map((host) => {
      return { path: kind.key, message: `${host} is not in egress.allow; add ${host} to it` };
    });
    return [...ofHosts, ...(kind.check?.(source, config) ?? [])].map(({ path, message }) => {
      return { path: `sources[${index}].${path}`, message };
    });
  });
}
