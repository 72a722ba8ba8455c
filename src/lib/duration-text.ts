/** The two largest units that say something: `340 ms`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / 1000);
  for (const [i, unit] of UNITS.entries()) {
    if (seconds < unit.seconds) continue;
    const next = UNITS[i + 1];
    const rest = next === undefined ? 0 : Math.floor((seconds % unit.seconds) / next.seconds);
    const whole = `${Math.floor(seconds / unit.seconds)} ${unit.name}`;
    return next === undefined || rest === 0 ? whole : `${whole} ${rest} ${next.name}`;
  }
  return "0 s";
}

/** An instant as seen from `nowMs`, both UTC epoch milliseconds: `in 3 min`, `2 h ago`, `now` within a second. */
export function formatRelative(ms: number, nowMs: number): string {
  const distanceMs = Math.abs(ms - nowMs);
  if (distanceMs < 1000) return "now";
  const text = formatDuration(distanceMs);
  return ms > nowMs ? `in ${text}` : `${text} ago`;
}

const UNITS = [
  { name: "d", seconds: 86_400 },
  { name: "h", seconds: 3600 },
  { name: "min", seconds: 60 },
  { name: "s", seconds: 1 },
] as const;
