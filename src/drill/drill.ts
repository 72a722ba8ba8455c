import type { Harness } from "./harness.ts";

/** A safety that is fired on purpose. To add one, write it in `drills/` and list it in registry.ts. */
export interface Drill {
  name: string;
  /** One line for lists: what is fired, and what must come of it. */
  description: string;
  /** Why a person should care, for the record. */
  promise: string;
  /** Fires it. Everything that must be so goes through `harness.expect`, which throws DrillFailed where it is not. */
  run(harness: Harness): Promise<void>;
}
