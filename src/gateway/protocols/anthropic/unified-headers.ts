/** A cap as its client sees it. */
export interface CapState {
  capMicros: number;
  spentMicros: number;
  resetsAtMs: number;
  /** `day`, `month`… */
  window: string;
}

const THRESHOLDS = [0.95, 0.75];

/** The headers in which Claude Code reads how much of its budget is left; none where nothing limits it. */
export function unifiedHeaders(cap: CapState | null): Record<string, string> {
  if (cap === null) return {};
  const { capMicros, spentMicros, resetsAtMs, window } = cap;
  const used = capMicros > 0 ? Math.min(1, spentMicros / capMicros) : 1;
  const passed = THRESHOLDS.find((threshold) => used >= threshold);
  const status = passed === undefined ? "allowed" : "allowed_warning";
  const resets = String(Math.ceil(resetsAtMs / 1_000));
  const name = (key: string) => `anthropic-ratelimit-unified-${key}`;
  return {
    [name("status")]: status,
    [name("representative-claim")]: "overage",
    [name("reset")]: resets,
    [name("overage-status")]: status,
    // Down, so that no threshold shows as passed before it is.
    [name("overage-utilization")]: (Math.floor(used * 100) / 100).toFixed(2),
    [name("overage-reset")]: resets,
    [name("overage-period")]: window,
    ...(passed === undefined ? {} : { [name("overage-surpassed-threshold")]: String(passed) }),
  };
}
