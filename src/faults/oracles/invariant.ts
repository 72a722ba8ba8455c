/** What must hold at every step, as a verdict says it. */
export const INVARIANTS = {
  cap: "no window's cap is exceeded, neither in the ledger nor in the provider's own bill",
  gates:
    "nothing is sent to a model before kill switch, breaker and cap have passed and the reservation is on disk",
  kill: "nothing is sent to a model once the kill switch is set",
  once: "every accepted job is ready, done or dead, and every effect is there once",
  replay: "what was paid for and recorded is not bought again",
  unknown: "what may have been billed stays charged, and nothing that was billed is given back",
  closed: "with a configuration or state that cannot be trusted, no model is called",
  alerts: "every alert is on disk with what it tells of, and none vanishes",
  time: "budget time never runs backwards, and within a boot no faster than the machine's uptime",
  bounds: "every tick ends, and logs and tables stay within their bounds",
} as const;

/** The name of what must hold. */
export type Invariant = keyof typeof INVARIANTS;

/** One breach, at a moment of true time. */
export interface Violation {
  invariant: Invariant;
  message: string;
  atMs: number;
}

/** Called by an oracle for each breach that it finds. */
export type Report = (invariant: Invariant, message: string) => void;
