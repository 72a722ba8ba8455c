import { constants, copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { type Clock, toIso } from "../../lib/clock.ts";
import { AfkError, messageOf } from "../../lib/errors.ts";
import { syncPath, writeDurably } from "../../store/durable-file.ts";
import { renderCompose } from "./compose.ts";
import { renderCron } from "./cron.ts";
import { renderLaunchd } from "./launchd.ts";
import type { Format, ReleasePlan, Rendered } from "./plan.ts";
import { renderSystemd } from "./systemd.ts";

/** What was rendered, and where it was written; `path` is null when it was only printed. */
export type Release = ReturnType<typeof release>;

const RENDER: Record<Format, (plan: ReleasePlan) => Rendered> = {
  systemd: renderSystemd,
  cron: renderCron,
  launchd: renderLaunchd,
  compose: renderCompose,
};

/** What a format makes of a plan, written nowhere. @throws AfkError (exit 78) when the format cannot say it. */
export const renderOnly = (plan: ReleasePlan, format: Format): Rendered => RENDER[format](plan);

/**
 * Renders the schedule, and writes it into `outputDir` where one is given; a file that an earlier release wrote there is
 * replaced. @throws AfkError (exit 78) when the format cannot say it.
 */
export function release(plan: ReleasePlan, format: Format, outputDir: string | null) {
  const rendered = renderOnly(plan, format);
  const path = outputDir === null ? null : join(resolve(outputDir), rendered.name);
  if (path !== null) {
    mkdirSync(dirname(path), { recursive: true });
    for (const { name, content } of [rendered, ...rendered.beside])
      writeDurably(join(dirname(path), name), content, "shared");
  }
  const { everySeconds, configHash } = plan;
  return {
    ...rendered,
    install: rendered.install(path ?? rendered.name),
    format,
    path,
    everySeconds,
    configHash,
  };
}

/**
 * Puts a released text in the place of afk.yaml, after `check` has read it as the configuration that it would be; the
 * present one is kept beside it. A power cut leaves the present file or the whole other one.
 * @param check reads the configuration at a path; what it throws refuses the text, and nothing was changed.
 * @returns the path of what was there before.
 */
export function putBack(
  configFile: string,
  text: string,
  options: { check: (path: string) => void; clock: Clock },
): string {
  const dir = dirname(configFile);
  // In the same folder, since relative paths in it start there.
  const candidate = join(dir, `.${basename(configFile)}.candidate`);
  const kept = `${configFile}.before-release-${toIso(options.clock.nowMs()).replaceAll(":", "-")}`;
  try {
    write(candidate, text);
    options.check(candidate);
    copyFileSync(configFile, kept, constants.COPYFILE_EXCL);
    syncPath(dir);
    writeDurably(configFile, text, "shared");
    return kept;
  } finally {
    rmSync(candidate, { force: true });
  }
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new AfkError(
      "not_writable",
      `${dirname(path)} cannot be written from here (${messageOf(error)}); nothing was changed. The released text: afk release --to HASH --dry-run`,
      { retry: "never", cause: error },
    );
  }
}
