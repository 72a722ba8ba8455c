import { writeFileSync } from "node:fs";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { inspectInPlace, inspectState } from "../../src/ops/inspect-state.ts";
import { readStatus } from "../../src/ops/status.ts";
import { type OpsHarness, opsHarness } from "./harness.ts";

const inspect = ({ config }: OpsHarness) => inspectInPlace(config, async () => "read");

test("the status is read in place, and nothing is written", async () => {
  const harness = await opsHarness();
  await harness.tick({ outcome: "ok", units: 3 });
  const version = await harness.rails.store.changes.seen();
  const { config, rails } = harness;
  const status = await inspectState(config, (seen) =>
    readStatus({ ...seen, version: "1.2.3", clock: rails.clock }),
  );
  expect(status).toEqual(await harness.status());
  expect(await harness.rails.store.changes.seen()).toBe(version);
});

test("a database that has to be made, migrated or announced is not read in place", async () => {
  const older = await opsHarness();
  writeFileSync(older.config.paths.highWater, '{"generation":7}\n');
  expect(await inspect(older)).toBe(null);

  const unmigrated = await opsHarness();
  await sql`delete from kysely_migration where name = (select max(name) from kysely_migration)`.execute(
    unmigrated.rails.store.db,
  );
  expect(await inspect(unmigrated)).toBe(null);

  const newer = await opsHarness();
  await sql`insert into kysely_migration values ('9999-later', '2026-11-21')`.execute(newer.rails.store.db);
  expect(await inspect(newer)).toBe(null);

  const { config } = await opsHarness();
  const database = `${config.paths.database}.other`;
  const elsewhere = { ...config, paths: { ...config.paths, database } };
  const look = () => inspectInPlace(elsewhere, async () => "read");
  expect(await look()).toBe(null);
  writeFileSync(database, "no database at all, but long enough to look like a header of one ".repeat(20));
  expect(await look()).toBe(null);
});
