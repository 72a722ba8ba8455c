import type { Migration } from "kysely/migration";
import * as first from "./migrations/0001-first.ts";
import * as evidence from "./migrations/0002-evidence.ts";
import * as retention from "./migrations/0003-retention.ts";
import * as rails from "./migrations/0004-rails.ts";
import * as waits from "./migrations/0005-waits.ts";
import * as processes from "./migrations/0006-processes.ts";
import * as identity from "./migrations/0007-identity.ts";
import * as windows from "./migrations/0008-windows.ts";
import * as alerts from "./migrations/0009-alerts.ts";
import * as gateway from "./migrations/0010-gateway.ts";
import * as deliveries from "./migrations/0011-deliveries.ts";
import * as questions from "./migrations/0012-questions.ts";
import * as fleet from "./migrations/0013-fleet.ts";

/** A migration, and which versions may go on working once it is done. */
export interface Step extends Migration {
  /**
   * The oldest of them, by the newest migration that it knows: all that it reads and writes stays right, for the newer ones too. Null:
   * none, so the machines of a fleet that are older have to end first.
   */
  beside: string | null;
}

const alone = (migration: Migration): Step => ({ ...migration, beside: null });

/** Append-only and up-only: a released migration is never edited, and the next one gets the next number. */
export const MIGRATIONS: Record<string, Step> = {
  "0001-first": alone(first),
  "0002-evidence": alone(evidence),
  "0003-retention": alone(retention),
  "0004-rails": alone(rails),
  "0005-waits": alone(waits),
  "0006-processes": alone(processes),
  "0007-identity": alone(identity),
  "0008-windows": alone(windows),
  "0009-alerts": alone(alerts),
  "0010-gateway": alone(gateway),
  "0011-deliveries": alone(deliveries),
  "0012-questions": alone(questions),
  "0013-fleet": alone(fleet),
};

/** The newest one: what a version is known by to others of its fleet. */
export const LEVEL = Object.keys(MIGRATIONS).sort().at(-1) ?? "";
