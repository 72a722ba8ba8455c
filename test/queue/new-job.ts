import type { NewJob } from "../../src/queue/enqueue.ts";

/** A job of three attempts; children use it too, which must not load the test runner. */
export function newJob(key: string, fields: Partial<NewJob> = {}): NewJob {
  return {
    key,
    name: "digest",
    kind: "digest",
    payload: null,
    maxAttempts: 3,
    slotMs: 0,
    label: "2026-11-21",
    byHand: false,
    ...fields,
  };
}
