// @module-tag processes
// @module-tag slow
import { onBoth } from "./on-both.ts";

onBoth(
  "the rails",
  [
    "rails/breaker.test.ts",
    "rails/budget-notices.test.ts",
    "rails/budget-time.test.ts",
    "rails/gates.test.ts",
    "rails/grants.test.ts",
    "rails/guard.test.ts",
    "rails/kill.test.ts",
    "rails/periods.test.ts",
    "rails/reconcile.test.ts",
    "rails/recover.test.ts",
    "rails/reported.test.ts",
    "rails/runaway.test.ts",
  ],
  [
    // It opens and closes a store for each of its cases, more than a server makes databases for in its time.
    "tells of every threshold that is passed in the end, in whatever order calls begin and end",
    // It reads its rows in no order.
    "writes nothing while what is open stays open, and nothing at all for those who only reads",
  ],
);
