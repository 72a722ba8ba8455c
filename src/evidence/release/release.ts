import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { writeDurably } from "../../store/durable-file.ts";
import { renderCron } from "./cron.ts";
import { renderLaunchd } from "./launchd.ts";
import type { Format, ReleasePlan, Rendered } from "./plan.ts";
import { renderSystemd } from "./systemd.ts";

/** What was rendered, and where it was written; `path` is null when it was only printed. */
export interface Release extends Omit<Rendered, "install"> {
  install: string[];
  format: Format;
  path: string | null;
  everySeconds: number;
  configHash: string;
}

const RENDER: Record<Format, (plan: ReleasePlan) => Rendered> = {
  systemd: renderSystemd,
  cron: renderCron,
  launchd: renderLaunchd,
};

/** What a format makes of a plan, written nowhere. @throws AfkError (exit 78) when the format cannot say it. */
export function renderOnly(plan: ReleasePlan, format: Format): Rendered {
  return RENDER[format](plan);
}

/**
 * Renders the schedule, and writes it into `outputDir` where one is given; a file that an earlier release wrote there is
 * replaced. @throws AfkError (exit 78) when the format cannot say it.
 */
export function release(plan: ReleasePlan, format: Format, outputDir: string | null): Release {
  const rendered = renderOnly(plan, format);
  const path = outputDir === null ? null : join(resolve(outputDir), rendered.name);
  if (path !== null && outputDir !== null) {
    mkdirSync(resolve(outputDir), { recursive: true });
    writeDurably(path, rendered.content, "shared");
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
