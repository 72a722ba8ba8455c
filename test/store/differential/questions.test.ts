// @module-tag processes
// @module-tag slow
import { onBoth } from "./on-both.ts";

onBoth(
  "questions, grants, pauses and the gateway's answers",
  [
    "runner/questions/answers.test.ts",
    "gateway/keys.test.ts",
    "gateway/recorded-answers.test.ts",
    "egress/http-cache.test.ts",
    "egress/rate-limit.test.ts",
    "egress/robots-gate.test.ts",
  ],
  {
    alone: [
      // PostgreSQL keeps no U+0000, which becomes U+FFFD there.
      "gives an answer back whole, with its status, type and entry",
      // It reads its rows in no order.
      "keeps 64 MiB of a run over all its attempts, and what still fits behind an answer that did not",
    ],
  },
);
