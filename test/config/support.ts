import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { onTestFinished } from "vitest";
import type { Config } from "../../src/config/config.ts";
import type { Environment } from "../../src/config/environment.ts";
import { ConfigError, type ConfigIssue } from "../../src/config/errors.ts";
import { section, text } from "../../src/config/fields.ts";
import type { JobSettingsKind } from "../../src/config/job-kind.ts";
import { type LoadOptions, loadConfig } from "../../src/config/load.ts";

const feed = text("Address of a feed.", "write the address of a feed", /^https?:\/\/\S+$/);
const folder = v.pipe(v.string("write the path of a folder"), v.nonEmpty("write the path of a folder"));

/** A kind with a list of unions, as a digest has, and a check of its own. */
export const readKind: JobSettingsKind = {
  kind: "read",
  settings: section("Reads sources.", {
    sources: v.pipe(
      v.array(
        v.union([section("A feed.", { feed }), section("A folder.", { folder })]),
        "write a list of sources",
      ),
      v.minLength(1, "write at least one source"),
    ),
    max_items: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  }),
  check(settings, config: Config) {
    const { sources } = settings as { sources: { feed?: string }[] };
    return sources.flatMap(({ feed }, index) => {
      if (feed === undefined || config.egress.allow.includes(new URL(feed).hostname)) return [];
      return [{ path: `sources[${index}].feed`, message: `${feed} is at a host that egress.allow lacks` }];
    });
  },
};

/** A kind that uses valibot's own messages. */
export const plainKind: JobSettingsKind = {
  kind: "plain",
  settings: v.strictObject({ command: v.array(v.string()), shout: v.optional(v.boolean()) }),
};

export const KINDS = [readKind, plainKind];

export const BASE = {
  agent: "test",
  budget: { daily_cap_usd: 1 },
  models: { chain: ["extractive"] },
};

export interface Given extends Partial<Omit<LoadOptions, "environment">> {
  environment?: Environment;
}

/** A folder that goes when the test ends. */
export function folderForTest(): string {
  const path = mkdtempSync(join(tmpdir(), "afk-config-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Loads a document (YAML text, or a value) as afk.yaml of a folder of its own. */
export function load(document: unknown, given: Given = {}): Config {
  const cwd = given.cwd ?? folderForTest();
  const yaml = typeof document === "string" ? document : JSON.stringify(document);
  writeFileSync(join(cwd, "afk.yaml"), yaml);
  return loadConfig({ environment: {}, jobKinds: KINDS, ...given, cwd });
}

export function refusal(run: () => unknown): ConfigError {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("the configuration was accepted");
}

/** The faults of a document that must be refused. */
export function issuesOf(document: unknown, given: Given = {}): ConfigIssue[] {
  return refusal(() => load(document, given)).issues;
}

/** Each fault as one line, as people see it. */
export function linesOf(document: unknown, given: Given = {}): string[] {
  return issuesOf(document, given).map(({ path, message }) =>
    path === "" ? message : `${path}: ${message}`,
  );
}

/** The base document with sections put over it. */
export function withBase(over: Record<string, unknown>): Record<string, unknown> {
  return { ...BASE, ...over };
}
