// @module-tag processes
// @module-tag slow
import { onBoth } from "./on-both.ts";

onBoth(
  "the queue",
  [
    "queue/claim.test.ts",
    "queue/dead-letters.test.ts",
    "queue/enqueue.test.ts",
    "queue/fail.test.ts",
    "queue/fencing.test.ts",
    "queue/publish.test.ts",
    "queue/recover.test.ts",
    "queue/steps.test.ts",
    "queue/wait.test.ts",
  ],
  {
    alone: [
      // Their processes write to SQLite; test/queue/fleet.test.ts has several on PostgreSQL.
      "is added once by two processes that race for it",
      "of two processes that drain one queue gives each job to one of them, once",
      "outlives the process that made it, with its attempt counted",
      "is brought back after its process was killed for real",
      // PostgreSQL keeps no U+0000, which becomes U+FFFD there.
      "since its name was changed in the database is written nowhere",
    ],
  },
);
