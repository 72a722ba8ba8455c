// @module-tag processes
import { existsSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { FAULT_NAMES } from "../../src/simulate/fault-names.ts";
import { openSimulator } from "../../src/simulate/simulate.ts";
import { tempDir } from "../support/temp.ts";
import { BUSY, configFile, TRIAGE_WORKER } from "./support/config.ts";
import { kinds } from "./support/triage.ts";

const PATIENCE_MS = 240_000;

function simulator() {
  const opened = openSimulator({ script: TRIAGE_WORKER });
  onTestFinished(() => opened.close());
  return opened;
}

describe("a simulation", () => {
  test(
    "is repeated exactly by its seed, in another thread and after other seeds, and another seed gives other days",
    async () => {
      const config = configFile();
      const options = { config, environment: {}, kinds, days: 1, faults: FAULT_NAMES };
      const [one, other] = [simulator(), simulator()];
      const [first, second] = await Promise.all([
        one.run({ ...options, seed: 11 }),
        other.run({ ...options, seed: 12 }).then(() => other.run({ ...options, seed: 11 })),
      ]);
      expect(second).toEqual(first);
      const third = await one.run({ ...options, seed: 13 });
      expect(third.fingerprint).not.toBe(first.fingerprint);
    },
    PATIENCE_MS,
  );

  test(
    "without faults has digests, costs money, and nobody is told of anything but what waits for them",
    async () => {
      const days: string[] = [];
      const result = await simulator().run({
        config: configFile(),
        environment: {},
        kinds,
        days: 2,
        seed: 3,
        faults: [],
        onDay: ({ date }) => days.push(date),
      });
      expect(result.violation).toBeNull();
      expect(result.days).toHaveLength(2);
      expect(days).toEqual(expect.arrayContaining([result.days[0]?.date]));
      const sum = (of: (day: (typeof result.days)[number]) => number) =>
        result.days.reduce((all, day) => all + of(day), 0);
      expect(sum(({ digests }) => digests)).toBeGreaterThan(2);
      expect(sum(({ billedMicros }) => billedMicros)).toBeGreaterThan(0);
      expect(result.days.flatMap(({ faults }) => faults)).toEqual([]);
    },
    PATIENCE_MS,
  );

  test(
    "reaches nothing outside: no server, no command, no state of the deployment",
    async () => {
      let asked = 0;
      const server = createServer((_request, response) => {
        asked += 1;
        response.end("ok");
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      onTestFinished(() => void server.close());
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const dir = tempDir();
      const state = join(dir, "state");
      const config = configFile({
        ...BUSY,
        models: { chain: ["ollama/x"], providers: { ollama: { base_url: url } } },
        egress: { allow: ["127.0.0.1"], allow_private: ["127.0.0.1"] },
        alerts: [{ type: "webhook", url }],
        heartbeat: { ping_url: `${url}/ping` },
        jobs: [
          { name: "digest", kind: "digest", every: "6h", sources: [{ feed: `${url}/feed` }] },
          { name: "touch", kind: "exec", every: "6h", command: ["touch", join(dir, "was-run")] },
        ],
      });
      const environment = { AFK_STATE: state, KILL_FLAG: join(dir, "STOP") };
      const result = await simulator().run({ config, environment, days: 1, seed: 5, faults: FAULT_NAMES });
      expect(result.violation).toBeNull();
      expect(result.days.reduce((sum, { requests }) => sum + requests, 0)).toBeGreaterThan(0);
      expect(asked).toBe(0);
      expect(readdirSync(dir)).toEqual([]);
      expect(existsSync(state)).toBe(false);
    },
    PATIENCE_MS,
  );

  test("refuses a configuration that no agent would take", async () => {
    const config = configFile({ ...BUSY, budget: {} });
    const run = simulator().run({ config, environment: {}, kinds, days: 1, seed: 1, faults: [] });
    await expect(run).rejects.toMatchObject({ exitCode: 78 });
  });
});
