// @module-tag processes
// @module-tag slow
import { onBoth } from "./on-both.ts";

onBoth(
  "scheduled work, drafts and questions",
  ["runner/drafts/drafts.test.ts", "runner/phases/enqueue-due.test.ts", "runner/questions/on-cap.test.ts"],
  {
    withAgents: true,
    alone: [
      // Another connection, or another process, writes to SQLite.
      "one of two connections gets a claim, and only its holder writes the outcome",
      "(row) set before: nothing is sent, and the draft waits",
      "(row) set in flight: the request is aborted and its outcome unknown",
    ],
  },
);
