// @module-tag processes
// @module-tag slow
import { onBoth } from "./on-both.ts";

onBoth(
  "operations",
  [
    "ops/client-keys.test.ts",
    "ops/counters.test.ts",
    "ops/gateway-status.test.ts",
    "ops/history.test.ts",
    "ops/jobs.test.ts",
    "ops/ledger.test.ts",
    "ops/retention/kept.test.ts",
    "ops/retention/questions.test.ts",
    "ops/retention/results.test.ts",
    "ops/status.test.ts",
    "ops/stop.test.ts",
    "evidence/drills.test.ts",
    "evidence/unattended/unattended.test.ts",
  ],
  // It states what its rows cost, of which there are too many to compare.
  { alone: ["a hundred thousand jobs and calls cost no more than a few"] },
);
