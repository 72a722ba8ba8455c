import { expect, it } from "vitest";
import { type DrillRow, listDrills, passedDrills, recordDrill } from "../../src/evidence/drills.ts";
import type { Store } from "../../src/store/store.ts";
import { testStore } from "../support/store.ts";

const NOW = { version: "1.0.0", configHash: "hash" };

it("gives the drills that hold for a version and configuration, with their figures", async () => {
  const store = await testStore();
  await record(store, { id: "1", name: "cap" });
  await record(store, { id: "2", name: "stop-file", figures: '{"stopToGoneMs":412}', finished_at: 7 });
  await record(store, { id: "3", name: "wedge", passed: 0, error: "it lives" });
  await record(store, { id: "4", name: "crash", version: "0.9.0" });
  await record(store, { id: "5", name: "breaker", config_hash: "another" });

  const passed = await passedDrills(store.db, NOW);

  expect(passed.map(({ name }) => name)).toEqual(["cap", "stop-file"]);
  expect(passed[1]).toEqual({
    name: "stop-file",
    host: "host",
    finishedAt: 7,
    figures: { stopToGoneMs: 412 },
    file: "drill-x.md",
  });
});

it("goes by the latest run: what failed since does not hold, and what was mended since does", async () => {
  const store = await testStore();
  await record(store, { id: "1", name: "cap" });
  await record(store, { id: "2", name: "cap", passed: 0, error: "broken" });
  await record(store, { id: "3", name: "wedge", passed: 0, error: "broken" });
  await record(store, { id: "4", name: "wedge" });
  // Another configuration's failure says nothing of this one.
  await record(store, { id: "5", name: "wedge", passed: 0, error: "broken", config_hash: "another" });

  expect((await passedDrills(store.db, NOW)).map(({ name }) => name)).toEqual(["wedge"]);
  expect((await listDrills(store.db, 2)).map(({ id }) => id)).toEqual(["5", "4"]);
});

it("gives none before the first", async () => {
  const store = await testStore();
  expect(await passedDrills(store.db, NOW)).toEqual([]);
});

async function record(store: Store, row: Partial<DrillRow>): Promise<void> {
  const whole: DrillRow = {
    id: "1",
    name: "cap",
    passed: 1,
    version: NOW.version,
    config_hash: NOW.configHash,
    host: "host",
    started_at: 1,
    finished_at: 2,
    figures: "{}",
    error: null,
    file: "drill-x.md",
    ...row,
  };
  await store.atomically((trx) => recordDrill(trx, whole));
}
