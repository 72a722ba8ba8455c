// @module-tag slow
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type DemoOptions, runDemo } from "../../src/drill/demo.ts";
import { startModelEndpoint } from "../../src/faults/model-endpoint.ts";
import { afk } from "../cli/commands/in-process.ts";
import { tempDir } from "../support/temp.ts";

let temporary: string;
let elsewhere: string;
beforeEach(() => {
  [temporary, elsewhere] = [tempDir(), tempDir()];
  vi.stubEnv("TMPDIR", temporary);
});
afterEach(() => vi.unstubAllEnvs());

const lines: string[] = [];
const options = (more: Partial<DemoOptions> = {}): DemoOptions => ({
  isPaced: false,
  signal: new AbortController().signal,
  otherwise: elsewhere,
  onLine: (line) => lines.push(line),
  onSpend: () => undefined,
  ...more,
});

describe("the demonstration", () => {
  it("keeps the bill under the cap, and refuses every try after the cap and after the STOP file", async () => {
    const bills: number[] = [];
    const result = await runDemo(options({ onSpend: ({ billMicros }) => bills.push(billMicros) }));
    expect(result).toMatchObject({ ok: true, problems: [], capUsd: 1, refusedByCap: 25, refusedByStop: 10 });
    expect(result.billUsd).toBeGreaterThan(0.9);
    expect(result.billUsd).toBeLessThanOrEqual(result.chargedUsd);
    expect(result.chargedUsd).toBeLessThanOrEqual(1);
    expect(result.stopToAbortMs).toBeLessThan(5_000);
    expect(Math.max(...bills)).toBeLessThanOrEqual(1_000_000);
    // One call more than the runaway's: the one that was cut off.
    expect(result.calls).toBe(bills.length + 1);
  });

  it("leaves nothing behind", async () => {
    await runDemo(options());
    expect([...readdirSync(temporary), ...readdirSync(elsewhere)]).toEqual([]);
  });

  it("leaves nothing behind when it is interrupted", async () => {
    const interrupt = new AbortController();
    const onSpend = () => interrupt.abort(new Error("interrupted"));
    await expect(runDemo(options({ onSpend, signal: interrupt.signal }))).rejects.toThrow("interrupted");
    expect(readdirSync(temporary)).toEqual([]);
  });

  it("says that it failed when the model bills more than the cap", async () => {
    async function startEndpoint() {
      const endpoint = await startModelEndpoint("openai");
      return { ...endpoint, billMicros: () => 1_000_001 };
    }
    const result = await runDemo(options({ startEndpoint }));
    expect(result.ok).toBe(false);
    expect(result.problems).toContain("the bill, $1.000001, is over the cap, $1.00");
  });
});

describe("afk demo", () => {
  const nowhere = () => ({ configFile: join(elsewhere, "afk.yaml"), state: join(elsewhere, "state") });

  it("needs no afk.yaml, and no setting of the host reaches it", async () => {
    const flag = join(elsewhere, "STOP");
    writeFileSync(flag, "");
    let asked = 0;
    const onRequest = () => {
      asked += 1;
    };
    const webhook = await startModelEndpoint("openai", { onRequest });
    vi.stubEnv("KILL_FLAG", flag);
    vi.stubEnv("DAILY_CAP_USD", "0");
    vi.stubEnv("ALERT_WEBHOOK", `${webhook.url}/hook`);
    const { code, stdout } = await afk(nowhere(), "demo", "--json");
    await webhook.close();
    expect({ code, asked }).toEqual({ code: 0, asked: 0 });
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, problems: [] });
    expect(readdirSync(elsewhere)).toEqual(["STOP"]);
  });

  it("tells the story in lines of 80 columns, with the bill beside the cap, and what to do next", async () => {
    const { code, stdout } = await afk(nowhere(), "demo");
    expect(code).toBe(0);
    const words = stdout.split("\n");
    expect(words.filter((line) => line.length > 80)).toEqual([]);
    expect(stdout).toMatch(/bill +\$0\.9\d{3}.*\n +charged +\$0\.9\d{3}.*\n +cap +\$1\.0000 +never passed/);
    expect(stdout).toContain("touch STOP");
    expect(stdout).toContain("afk init");
    expect(words.length).toBeLessThan(24);
  }, 60_000);
});
