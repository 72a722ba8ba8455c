// @module-tag processes
// @module-tag slow
import { onBoth } from "./on-both.ts";

onBoth(
  "the rails",
  [
    "rails/breaker.test.ts",
    "rails/budget-notices.test.ts",
    "rails/budget-time.test.ts",
    "rails/budget.test.ts",
    "rails/gates.test.ts",
    "rails/grants.test.ts",
    "rails/guard.test.ts",
    "rails/kill-watch.test.ts",
    "rails/kill.test.ts",
    "rails/periods.test.ts",
    "rails/reconcile.test.ts",
    "rails/recover.test.ts",
    "rails/reported.test.ts",
    "rails/runaway.test.ts",
    "rails/units.test.ts",
  ],
  {
    alone: [
      // Their processes write to SQLite; those of a fleet are in test/fleet.
      "never pass a cap on tokens of an hour",
      "never pass a cap on calls of a day",
      "never pass a cap on dollars of a week",
      "never pass a cap on calls of a week",
      "never pass a cap on tokens of a week",
      "of two jobs and two clients have a cap each, and the agent's above them",
      "a process that is killed in a call leaves its call and its tokens charged, for the week",
      // It reads what another connection has not committed yet, and here both have the one transaction.
      "sees the row that is set in the moment of it",
      // It opens and closes a store for each of its cases, more than a server makes databases for in its time.
      "tells of every threshold that is passed in the end, in whatever order calls begin and end",
      // It reads its rows in no order.
      "writes nothing while what is open stays open, and nothing at all for those who only reads",
    ],
  },
);
