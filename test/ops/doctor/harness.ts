import type { Finding, Found } from "../../../src/ops/doctor/check.ts";
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
export function only(found: Found): Finding {
  const [finding, ...more] = [found].flat();
  if (finding === undefined || more.length > 0) throw new Error(`found ${JSON.stringify(found)}`);
  return finding;
}
