// @module-tag processes
// @module-tag slow
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { deployment, digestConfig, fillInbox, ollama } from "../support/afk.ts";
import { postgresProblem } from "../support/postgres/binaries.ts";
import { startProxy } from "../support/postgres/proxy.ts";
import { forTest, freshDatabase, sharedPostgres } from "../support/postgres/shared.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;

describe.skipIf(problem !== null)(`a worker whose database is away${skipped}`, () => {
  test("in the middle of a call ends it and itself with 69, is refused a start, and comes back", async () => {
    const server = await ollama([], { type: "slow", text: "word ".repeat(600), everyMs: 50 });
    const direct = await freshDatabase();
    const proxy = await forTest(startProxy(await sharedPostgres()));
    const target = deployment(digestConfig(server.url, { models: { timeout: "60s" } }));
    fillInbox(target, 2);
    const environment = { DATABASE_URL: proxy.url(direct) };
    const worker = target.start(["run"], environment);
    await expect.poll(() => server.requests.length, { timeout: 30_000 }).toBe(1);
    proxy.refuse(true);
    proxy.cutAll();
    const { code, signal, stdout, stderr } = await worker.ended;
    expect({ code, signal }, stdout + stderr).toEqual({ code: 69, signal: null });
    expect(server.requests.length).toBe(1);
    const refused = await target.afk(["run"], environment);
    expect(refused.code, refused.stderr).toBe(69);
    proxy.refuse(false);
    server.otherwise({ type: "reply" });
    const again = target.start(["run"], environment);
    await again.logged("tick_finished");
    await sleep(100);
    again.kill("SIGTERM");
    await again.ended;
    expect(server.requests.length).toBeGreaterThan(1);
  });
});
