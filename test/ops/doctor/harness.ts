import type { Finding } from "../../../src/ops/doctor/check.ts";
import { type Host, thisHost } from "../../../src/ops/doctor/host.ts";

/** This machine as the checks see it, with what a test says about it; nothing of its environment. */
export function hostWith(over: Partial<Host> = {}): Host {
  return {
    ...thisHost({}),
    envFile: "/no/such/file",
    isContainer: false,
    hasSystemd: true,
    units: null,
    ...over,
  };
}

/** The one finding that there is. */
export function only(findings: readonly Finding[]): Finding {
  if (findings.length !== 1 || findings[0] === undefined)
    throw new Error(`found ${JSON.stringify(findings)}`);
  return findings[0];
}
