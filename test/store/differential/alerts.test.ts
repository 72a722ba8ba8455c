// @module-tag processes
// @module-tag slow
import { onBoth } from "./on-both.ts";

onBoth(
  "alerts and their deliveries",
  [
    "alerts/deliver.test.ts",
    "alerts/fold.test.ts",
    "alerts/incidents.test.ts",
    "alerts/outbox.test.ts",
    "alerts/recipients.test.ts",
    "alerts/routes.test.ts",
    "alerts/take-over.test.ts",
  ],
  {
    alone: [
      // Its processes write to SQLite.
      "of several processes one sends each alert",
      // Hundreds of deliveries within the seconds that a run has, which two engines may take longer for.
      "a run makes at most 200 deliveries, and the next goes on",
      "a storm that is gathered keeps no alert of another event waiting",
      "of a thousand is one message",
    ],
  },
);
