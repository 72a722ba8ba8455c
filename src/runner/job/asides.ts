import type { JobConfig } from "../../config/config.ts";
import { sourcesOf } from "../../jobs/sources/registry.ts";

/** How such a program starts; `cwd` begins at the folder of afk.yaml. */
interface Program {
  command: string[];
  cwd: string;
  env: Record<string, string>;
}

/** Programs that look for a job whether there is anything to do, or read a source of it. */
export function asidesOf(job: JobConfig): { name: string; settings: Program }[] {
  const { name, onlyIf } = job;
  const looks: Program[] = onlyIf?.type === "command" ? [{ command: onlyIf.command, cwd: ".", env: {} }] : [];
  const ofSources = sourcesOf(job).flatMap((source): Program[] => {
    if ("command" in source) return [{ command: source.command, cwd: source.cwd ?? ".", env: source.env }];
    const isJournal = "log" in source && typeof source.log !== "string";
    return isJournal ? [{ command: ["journalctl"], cwd: ".", env: {} }] : [];
  });
  return [...looks, ...ofSources].map((settings) => ({ name, settings }));
}
