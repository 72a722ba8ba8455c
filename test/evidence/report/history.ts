import type { Prepared } from "./prepared.ts";

/** Three weeks of work: a free one, one with a paid model, and the present one with things that went wrong. */
export async function withHistory(prepared: Prepared): Promise<void> {
  const { call, done, tick, incident } = prepared;
  // Week 45: local model alone.
  for (const day of ["02", "03", "04"]) {
    const job = await done("digest", `2026-11-${day}T06:00:00Z`, 4);
    for (let item = 0; item < 4; item++) await call(`2026-11-${day}T05:59:00Z`, { job });
    await tick(`2026-11-${day}T05:55:00Z`, "ok");
    await tick(`2026-11-${day}T12:00:00Z`, "idle");
  }
  // Week 46: a paid one helps out.
  const paid = { model: "anthropic/claude-haiku-4-5", input_tokens: 20_000, output_tokens: 4_000 };
  const help = await done("triage", "2026-11-10T08:00:00Z", 5);
  await call("2026-11-10T07:59:00Z", { ...paid, job: help, cost_micros: 40_000, degraded: 1 });
  await tick("2026-11-10T07:58:00Z", "ok");
  await tick("2026-11-11T07:58:00Z", "failed");
  await incident({ at: "2026-11-11T07:58:30Z", title: "digest is dead", recoveredAfterMs: 600_000 });
  await incident({
    at: "2026-11-12T07:58:30Z",
    title: "the model | is down",
    recoveredAfterMs: 7_200_000,
    cause: "out of memory",
  });
  // Week 47: the present one.
  const open = { state: "unknown", estimate_micros: 60_000, model: paid.model } as const;
  await call("2026-11-17T08:00:00Z", open);
  await call("2026-11-17T08:01:00Z", { ...open, state: "released" });
  await tick("2026-11-17T08:00:00Z", "halted");
  await incident({ at: "2026-11-20T07:00:00Z", title: "ticks come late" });
}
