import { existsSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";
import { type Agent, openAgent } from "../../src/agent.ts";
import type { Effects } from "../../src/drill/harness.ts";
import { chooseDrills, type DrillResult, runDrills } from "../../src/drill/run-drills.ts";
import { type Deployment, deployment, digestConfig } from "../support/afk.ts";

export const ENTRY = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

/** The real agent of a test: its model is at an address that nothing may ask. */
export async function realAgent(
  changes: Parameters<typeof digestConfig>[1] = {},
): Promise<{ target: Deployment; agent: Agent }> {
  const target = deployment(digestConfig("http://127.0.0.1:9", changes));
  const agent = await openAgent({ config: target.configFile, state: target.state, environment: {} });
  onTestFinished(() => agent.close());
  return { target, agent };
}

/** Fires one drill on an agent, with the effects of a saboteur where some are given. */
export async function drill(
  name: string,
  options: {
    changes?: Parameters<typeof digestConfig>[1];
    effects?: Partial<Effects>;
    patienceMs?: number;
    signal?: AbortSignal;
  } = {},
): Promise<{ result: DrillResult; record: string; target: Deployment }> {
  const { target, agent } = await realAgent(options.changes);
  const [result] = await runDrills(chooseDrills([name], true), {
    agent,
    entry: ENTRY,
    signal: options.signal ?? new AbortController().signal,
    effects: options.effects,
    patienceMs: options.patienceMs,
  });
  return { result: result!, record: readFileSync(result!.record, "utf8"), target };
}

/** Asserts that the drill failed for the reason that is told, and that the failure is on record. */
export async function expectFailure(
  { result, record, target }: Awaited<ReturnType<typeof drill>>,
  reason: RegExp,
): Promise<void> {
  expect(result.error).toMatch(reason);
  expect(result.passed).toBe(false);
  expect(target.query("select name, passed, error from drills")).toEqual([
    { name: result.name, passed: 0, error: result.error },
  ]);
  expect(record).toContain(`# Drill ${result.name}: FAILED`);
}

/** What the scratch folders of this test's process are called, and no other's: tests run side by side. */
const OURS = `afk-drill-${process.pid}-`;

export function scratchFolders(): string[] {
  return readdirSync(tmpdir())
    .filter((name) => name.startsWith(OURS))
    .map((name) => join(tmpdir(), name));
}

/** No folder, and no process whose command line names one. */
export function expectNothingLeft(): void {
  expect(scratchFolders()).toEqual([]);
  expect(processesWith(OURS)).toEqual([]);
}

/** Processes of this machine whose command line holds `text`. */
export function processesWith(text: string): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && commandLine(pid).includes(text));
}

function commandLine(pid: number): string {
  const file = join("/proc", String(pid), "cmdline");
  try {
    return existsSync(file) ? readFileSync(file, "latin1") : "";
  } catch {
    // It ended meanwhile.
    return "";
  }
}
