// @module-tag processes
import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { startModelEndpoint } from "../../src/faults/model-endpoint.ts";
import { type Deployment, deployment, PROCESSES } from "../support/afk.ts";
import { ask, gatewayConfig, startGateway } from "../support/gateway-process.ts";

it(
  "a gateway that begins on an older copy of its database spends nothing, and says why",
  PROCESSES,
  async () => {
    const provider = await startModelEndpoint("openai");
    onTestFinished(() => provider.close());
    const target = deployment(gatewayConfig(provider));
    const database = join(target.state, "afk.db");
    const older = join(target.dir, "older.db");
    await served(target, async () => {});
    copyFileSync(database, older);
    await served(target, async (url) => expect((await ask(url)).status).toBe(200));

    for (const name of ["", "-wal", "-shm"]) rmSync(`${database}${name}`, { force: true });
    copyFileSync(older, database);
    await served(target, async (url) => {
      const refused = await ask(url);
      expect(refused.status).toBe(403);
      expect(await refused.text()).toContain("the database is an older copy");
    });
    expect(target.query("select event from alerts where event = 'state_rolled_back'")).toHaveLength(1);
    expect(provider.requests).toHaveLength(1);
  },
);

/** Starts a gateway, and ends it as its service does. */
async function served(target: Deployment, use: (url: string) => Promise<void>): Promise<void> {
  const { running, url } = await startGateway(target);
  await use(url);
  running.kill("SIGTERM");
  await running.ended;
}
