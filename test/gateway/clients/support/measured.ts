import { appendFileSync } from "node:fs";

/** What one client did in one case. */
export interface Measured {
  client: string;
  case: string;
  /** At the gateway, and at the provider. */
  requests: number;
  provider: number;
  seconds: number;
  /** What its user reads. */
  words: string;
}

/** The file that `npm run test:clients` names, in which all measurements are gathered. */
export const MEASURED_FILE = "AFK_CLIENTS_MEASURED";

/** Keeps a measurement for the table of `npm run test:clients`; nothing comes of it elsewhere. */
export function measured(line: Measured): void {
  const file = process.env[MEASURED_FILE];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(line)}\n`);
}
