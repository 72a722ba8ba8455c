// @module-tag processes
// @module-tag slow
import { onBoth } from "./on-both.ts";

onBoth("the rails", [
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
]);
