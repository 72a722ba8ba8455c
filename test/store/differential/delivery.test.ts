// @module-tag processes
// @module-tag slow
import { onBoth } from "./on-both.ts";

onBoth(
  "the delivery of results",
  ["delivery/attacks.test.ts", "delivery/deliver.test.ts", "delivery/quiet-hours.test.ts"],
  { withAgents: true },
);
