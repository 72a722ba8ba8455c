import { expect, it } from "vitest";
import { type Bill, claude, hour, isBilled, pass } from "./bills.ts";

/** Haiku 4.5 $1/$5, Sonnet 4.6 $3/$15, Opus 5 $5/$25, Opus 5.5 $4/$20, Sonnet 5.5 $2/$10, Fable 5.1 $10/$50. */
const BILLS: Bill[] = [
  [
    "passes that each stay below the step",
    "anthropic/claude-haiku-5-5",
    claude(150_000, 2_000, { iterations: [pass("message", 70_000, 500), pass("message", 80_000, 1_500)] }),
    150_000 * 0.1 + 2_000 * 0.5,
  ],
  [
    "passes of which one is beyond the step",
    "anthropic/claude-haiku-5-5",
    claude(160_000, 2_000, { iterations: [pass("message", 40_000, 500), pass("message", 120_000, 1_500)] }),
    40_000 * 0.1 + 500 * 0.5 + 120_000 * 0.5 + 1_500 * 2.5,
  ],
  [
    "one pass, which is all",
    "anthropic/claude-sonnet-4-6",
    claude(1_000, 500, { iterations: [pass("message", 1_000, 500)] }),
    1_000 * 3 + 500 * 15,
  ],
  [
    "compaction, which is besides",
    "anthropic/claude-opus-5",
    claude(20_000, 1_000, {
      iterations: [pass("compaction", 180_000, 3_500), pass("message", 20_000, 1_000)],
    }),
    20_000 * 5 + 1_000 * 25 + 180_000 * 5 + 3_500 * 25,
  ],
  [
    "compaction of what was cached",
    "anthropic/claude-opus-5",
    claude(20_000, 1_000, {
      iterations: [
        pass("compaction", 1_000, 3_500, { cache_read_input_tokens: 150_000 }),
        pass("message", 20_000, 1_000),
      ],
    }),
    20_000 * 5 + 1_000 * 25 + 1_000 * 5 + 150_000 * 0.5 + 3_500 * 25,
  ],
  [
    "an advisor at its own price",
    "anthropic/claude-haiku-4-5",
    claude(3_000, 700, {
      iterations: [
        pass("message", 1_000, 200),
        pass("advisor_message", 1_500, 900, { model: "claude-opus-5" }),
        pass("message", 2_000, 500),
      ],
    }),
    3_000 * 1 + 700 * 5 + 1_500 * 5 + 900 * 25,
  ],
  [
    "an advisor's writes for an hour",
    "anthropic/claude-haiku-4-5",
    claude(3_000, 700, {
      iterations: [pass("advisor_message", 0, 900, { model: "claude-opus-5", ...hour(0, 2_000) })],
    }),
    3_000 * 1 + 700 * 5 + 2_000 * 10 + 900 * 25,
  ],
  [
    "a fallback that answered",
    "anthropic/claude-opus-5",
    claude(1_000, 400, {
      iterations: [
        pass("message", 1_000, 12, { model: "claude-opus-5" }),
        pass("fallback_message", 1_000, 400, { model: "claude-sonnet-4-6" }),
      ],
    }),
    1_000 * 3 + 400 * 15,
  ],
  [
    "a fallback with passes of its own",
    "anthropic/claude-opus-5",
    claude(3_000, 600, {
      iterations: [
        pass("message", 900, 12, { model: "claude-opus-5" }),
        pass("message", 1_000, 200, { model: "claude-sonnet-4-6" }),
        pass("fallback_message", 2_000, 400, { model: "claude-sonnet-4-6" }),
      ],
    }),
    3_000 * 3 + 600 * 15,
  ],
  [
    "compaction and searches in one region",
    "anthropic/claude-sonnet-4-6",
    claude(2_000, 300, {
      inference_geo: "us",
      server_tool_use: { web_search_requests: 1 },
      iterations: [pass("compaction", 5_000, 100), pass("message", 2_000, 300)],
    }),
    1.1 * (7_000 * 3 + 400 * 15) + 10_000,
  ],
];

it.each(BILLS)("bills %s of %s", (_, model, figures, micros) => {
  expect(isBilled(model, figures, micros)).toBe("exactly");
});
