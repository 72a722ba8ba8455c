import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Environment } from "../config/environment.ts";
import { jobSchema } from "../config/job-schema.ts";
import { isSection } from "../config/path.ts";
import { readYaml } from "../config/yaml.ts";
import type { LocalSource } from "./world/sources.ts";

/** The kind that, besides `exec`, runs a program of the owner's. */
const PROGRAM_RUNNER = "agent";

/** The environment without what would lead a simulation to the real deployment. */
export function scratchEnvironment(environment: Environment): Environment {
  const { AFK_CONFIG, AFK_STATE, KILL_FLAG, ...others } = environment;
  return others;
}

/**
 * Writes `afk.yaml` into `dir`: the real one, but for local files and folders, in whose place there are some in `dir`,
 * and channels of e-mail, which become webhooks since nothing here speaks SMTP. A job of any other kind than `kinds`,
 * or whose kind runs a program of the owner's, becomes one of `exec`, which a simulation does not run: it would reach the world.
 * @param file has been read and checked already.
 */
export function writeScratchConfig(
  file: string,
  dir: string,
  kinds: readonly string[],
): { configFile: string; local: LocalSource[] } {
  const local = new Map<string, LocalSource>();
  const placeOf = (written: string, kind: LocalSource["kind"]) => {
    const key = `${kind} ${written}`;
    const name = `${kind}-${local.size + 1}${kind === "file" ? ".xml" : ""}`;
    const source = local.get(key) ?? { path: join(dir, name), kind };
    local.set(key, source);
    return source.path;
  };
  const raw = readYaml(file);
  const content = isSection(raw) ? { ...raw } : {};
  delete content.kinds;
  content.jobs = list(content.jobs).map((stated) => {
    if (!isSection(stated)) return stated;
    // Its receivers are real: a copy would be written into the owner's folder.
    // What is simulated need not come to what the owner expects of the real thing, and has no need of its secrets.
    const { deliver: _deliver, progress: _progress, expect: _expect, env_file: _file, ...job } = stated;
    if (!kinds.includes(String(job.kind)) || job.kind === PROGRAM_RUNNER) return commandFor(job);
    return Array.isArray(job.sources) ? { ...job, sources: job.sources.map(moved) } : job;
  });
  content.alerts = list(content.alerts).map((channel) =>
    isSection(channel) && channel.type === "email" ? webhookFor(channel) : channel,
  );
  const configFile = join(dir, "afk.yaml");
  writeFileSync(configFile, `${JSON.stringify(content, null, 2)}\n`);
  return { configFile, local: [...local.values()] };

  function moved(source: unknown): unknown {
    if (!isSection(source)) return source;
    if (typeof source.folder === "string") return { ...source, folder: placeOf(source.folder, "folder") };
    if (typeof source.feed !== "string" || /^https?:\/\//.test(source.feed)) return source;
    return { ...source, feed: placeOf(source.feed, "file") };
  }
}

/** Keeps when the job runs, how long, how often it is tried, and its caps. */
function commandFor(job: Record<string, unknown>): Record<string, unknown> {
  const common = Object.entries(job).filter(([key]) => Object.hasOwn(jobSchema.entries, key));
  return { ...Object.fromEntries(common), kind: "exec", command: ["true"] };
}

function webhookFor({ on, template }: Record<string, unknown>): Record<string, unknown> {
  return {
    ...{ type: "webhook", url: "https://mail.example/simulated" },
    ...(on !== undefined && { on }),
    ...(template !== undefined && { template }),
  };
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
