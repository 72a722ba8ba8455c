// @module-tag processes
// @module-tag slow
import { onBoth } from "./on-both.ts";

onBoth("the evidence", [
  "evidence/report/clients.test.ts",
  "evidence/report/earned.test.ts",
  "evidence/report/low-value.test.ts",
  "evidence/report/read-report.test.ts",
  "evidence/report/retrospective.test.ts",
  "evidence/report/worth.test.ts",
  "evidence/incidents/incidents.test.ts",
]);
