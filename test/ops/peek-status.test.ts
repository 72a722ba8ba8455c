import { writeFileSync } from "node:fs";
import { sql } from "kysely";
import { expect, test } from "vitest";
import { peekStatus } from "../../src/ops/peek-status.ts";
import { type OpsHarness, opsHarness } from "./harness.ts";

const peek = ({ config, rails }: OpsHarness) => peekStatus({ config, version: "1.2.3", clock: rails.clock });

test("the peek says what the status says, and writes nothing", async () => {
  const harness = await opsHarness();
  await harness.tick({ outcome: "ok", units: 3 });
  const version = harness.rails.store.changes.seen();
  expect(await peek(harness)).toEqual(await harness.status());
  expect(harness.rails.store.changes.seen()).toBe(version);
});

test("a database that has to be made, migrated or told of is left to who opens the agent", async () => {
  const older = await opsHarness();
  writeFileSync(older.config.paths.highWater, '{"generation":7}\n');
  expect(await peek(older)).toBe(null);

  const unmigrated = await opsHarness();
  await sql`delete from kysely_migration where name = (select max(name) from kysely_migration)`.execute(
    unmigrated.rails.store.db,
  );
  expect(await peek(unmigrated)).toBe(null);

  const newer = await opsHarness();
  await sql`insert into kysely_migration values ('9999-later', '2026-11-21')`.execute(newer.rails.store.db);
  expect(await peek(newer)).toBe(null);

  const { config, rails } = await opsHarness();
  const database = `${config.paths.database}.other`;
  const elsewhere = { ...config, paths: { ...config.paths, database } };
  const look = () => peekStatus({ config: elsewhere, version: "1.2.3", clock: rails.clock });
  expect(await look()).toBe(null);
  writeFileSync(database, "no database at all, but long enough to look like a header of one ".repeat(20));
  expect(await look()).toBe(null);
});
