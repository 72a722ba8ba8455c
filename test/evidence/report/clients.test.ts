import { expect, test } from "vitest";
import { readReport } from "../../../src/evidence/report/read-report.ts";
import { renderMarkdown, sectionsOf } from "../../../src/evidence/report/sections.ts";
import { createTally } from "../../../src/gateway/tally.ts";
import { sumLedger } from "../../../src/ops/ledger.ts";
import { retain } from "../../../src/ops/retention/retain.ts";
import { readMeta } from "../../../src/store/meta.ts";
import { opsHarness } from "../../ops/harness.ts";
import { ended, sent, spend, UNKNOWN } from "../../support/rails.ts";

const DAY = 24 * 3_600_000;
const of = (client: string, more: object = {}) => ({ scope: { tick: null, job: null, client }, ...more });

test("a report says what each client cost, also after the ledger has been rolled up", async () => {
  const { rails, config } = await opsHarness({ budget: { daily_cap_usd: 100 } });
  const { db } = rails.store;
  const madeMs = rails.clock.nowMs();
  await spend(rails, 300_000, of("laptop", { model: "openai/test" }));
  await spend(rails, 50_000, of("laptop", { model: "anthropic/test", isDegraded: true, session: "s1" }));
  await spend(rails, 20_000, of("ci", { model: "openai/test" }));
  await spend(rails, 10_000);
  const tally = createTally(rails);
  for (const outcome of ["refused", "refused", "replayed", "joined"] as const)
    tally.add("client:laptop", outcome);
  await tally.close();
  const read = () =>
    readReport({
      config,
      version: "1",
      db,
      nowMs: rails.clock.nowMs(),
      fromMs: madeMs - DAY,
      untilMs: madeMs + DAY,
    });
  const sums = (by: "client" | "model") => sumLedger(db, by, { limit: 10, sinceMs: madeMs - 2 * DAY });
  rails.clock.advance(DAY);
  const [report, byClient, byModel] = [await read(), await sums("client"), await sums("model")];
  expect(
    report.clients.map(({ client, calls, costMicros, degraded }) => [client, calls, costMicros, degraded]),
  ).toEqual([
    ["laptop", 2, 350_000, 1],
    ["ci", 1, 20_000, 0],
    [null, 1, 10_000, 0],
  ]);
  expect(report.gateway).toEqual({ refused: 2, replayed: 1, joined: 1 });
  expect(byClient.rows.map(({ name, settledMicros }) => [name, settledMicros])).toEqual([
    ["laptop", 350_000],
    ["ci", 20_000],
    [null, 10_000],
  ]);
  const section = sectionsOf(report).find(({ id }) => id === "clients");
  expect(section?.lines).toEqual([
    "Beside these calls: 2 answers given again without buying it, 2 requests refused.",
  ]);
  expect(renderMarkdown(report)).toMatch(/\| laptop +\| +2 \|/);

  rails.clock.advance(120 * DAY);
  const signal = new AbortController().signal;
  for (let pass = 0; pass < 50 && (await readMeta(db, "retained_at")) === 0; pass++)
    await retain({ store: rails.store, config, clock: rails.clock, signal });
  expect(await db.selectFrom("ledger").select("id").execute()).toEqual([]);
  const later = await read();
  expect([later.clients, later.gateway, later.models]).toEqual([
    report.clients,
    report.gateway,
    report.models,
  ]);
  expect([await sums("client"), await sums("model")]).toEqual([byClient, byModel]);
});

test("calls of a client that are unknown are charged to it, and there is no section where none has asked", async () => {
  const { rails, config } = await opsHarness({ budget: { daily_cap_usd: 100 } });
  const { db } = rails.store;
  const read = () => readReport({ config, version: "1", db, nowMs: rails.clock.nowMs() });
  await spend(rails, 10_000);
  rails.clock.advance(1_000);
  expect(sectionsOf(await read()).map(({ id }) => id)).not.toContain("clients");
  await ended(rails, await sent(rails, 70_000, of("laptop")), UNKNOWN);
  rails.clock.advance(1_000);
  expect((await read()).clients[0]).toMatchObject({ client: "laptop", unknown: 1, costMicros: 70_000 });
  expect((await sumLedger(db, "client", { limit: 1, client: "laptop" })).rows).toMatchObject([
    { name: "laptop", unknownCalls: 1, unknownMicros: 70_000, settledMicros: 0 },
  ]);
});
