import type { Given, Judge } from "../../jobs/expect/judge.ts";
import { AfkError } from "../../lib/errors.ts";
import { EXPECTATION_MISSED } from "../../queue/job.ts";

/** A run ended and did not give what `expect` of its job asks for: it has failed, whatever it says itself. */
class ExpectationMissed extends AfkError {
  constructor(name: string, missing: readonly string[]) {
    const message = `job ${name} ended without what it has to give (expect in afk.yaml): ${missing.join("; ")}`;
    super(EXPECTATION_MISSED, message, { retry: "later" });
  }
}

/** @throws ExpectationMissed for a run that did not give what was expected of it. */
export function refuseMissed(judge: Judge | null, name: string, given: Given): void {
  const missing = judge?.(given) ?? [];
  if (missing.length > 0) throw new ExpectationMissed(name, missing);
}
