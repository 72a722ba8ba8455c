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

/** Append-only and up-only: a released migration is never edited, and the next one gets the next number. */
export const MIGRATIONS: Record<string, Migration> = {
  "0001-first": first,
  "0002-evidence": evidence,
  "0003-retention": retention,
  "0004-rails": rails,
  "0005-waits": waits,
  "0006-processes": processes,
  "0007-identity": identity,
  "0008-windows": windows,
  "0009-alerts": alerts,
  "0010-gateway": gateway,
  "0011-deliveries": deliveries,
  "0012-questions": questions,
  "0013-fleet": fleet,
};
