import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * What a guard leaves in the state directory before it kills its process. A file, since the process may hold the
 * database's write lock; the next tick turns it into an alert (report-wedged.ts).
 */
export interface WedgeMarker {
  reason: string;
  /** Epoch milliseconds. */
  at: number;
  tick?: string;
  job?: string;
}

/** Where the marker of a state directory lies. */
export function wedgeMarkerIn(state: string): string {
  return join(state, "wedged.json");
}

/** Throws what the file system says. */
export function writeWedgeMarker(state: string, marker: WedgeMarker): void {
  const path = wedgeMarkerIn(state);
  writeFileSync(`${path}.part`, JSON.stringify(marker), { mode: 0o600 });
  renameSync(`${path}.part`, path);
}
