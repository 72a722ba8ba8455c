// @module-tag processes
// @module-tag slow
import { onBoth } from "./on-both.ts";

onBoth(
  "the queue",
  ["queue/dead-letters.test.ts", "queue/enqueue.test.ts", "queue/fail.test.ts"],
  ["is added once by two processes that race for it"],
);
