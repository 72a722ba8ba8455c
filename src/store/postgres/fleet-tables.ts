import { sqlState } from "./errors.ts";
import type { Session } from "./session.ts";

/** Refused because another agent made the same at the same moment. */
const RACED = new Set(["23505", "42P06", "42P07", "40P01", "55P03"]);
const TRIES = 20;

/** What several agents of a database share: a lock, what each has spent on each day, and the calls that are not settled. */
const TABLES = [
  "create schema if not exists afk_fleet",
  `create table if not exists afk_fleet.gate (id integer primary key check (id = 1), latest_at bigint not null)`,
  `create table if not exists afk_fleet.days (day text collate "C", agent text collate "C",
    micros bigint not null check (micros >= 0), primary key (day, agent))`,
  `create table if not exists afk_fleet.open_calls (agent text collate "C", id text collate "C",
    day text collate "C" not null, micros bigint not null check (micros >= 0), primary key (agent, id))`,
  "insert into afk_fleet.gate (id, latest_at) values (1, 0) on conflict (id) do nothing",
];

/** Makes them where they are not there. An agent that did not make them needs the right to write them. */
export async function makeFleetTables(session: Session): Promise<void> {
  const { rows } = await session.client.query("select to_regclass('afk_fleet.open_calls')::text as found");
  if (rows[0]?.found !== null) return;
  for (let tries = 1; ; tries++) {
    try {
      await session.begin("", ...TABLES);
      await session.commit();
      return;
    } catch (error) {
      await session.rollback();
      if (tries === TRIES || !RACED.has(sqlState(error))) throw error;
    }
  }
}
