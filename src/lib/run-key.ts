/** `digest@2026-11-21T06:00:00.000Z` of a schedule; `digest@hand:…` of a person who wished for a run now. */
const RUN_KEY = /^(.*)@(hand:)?(\d{4}-\d{2}-\d{2}T[\d:.]+Z)$/s;

/** What the key of a run says of it; null for one that a person chose. `atMs` is an epoch instant. */
export function readRunKey(key: string): { name: string; isByHand: boolean; atMs: number } | null {
  const [, name, hand, moment] = RUN_KEY.exec(key) ?? [];
  const atMs = Date.parse(moment ?? "");
  return name === undefined || Number.isNaN(atMs) ? null : { name, isByHand: hand !== undefined, atMs };
}

/** The name of the job whose run has this key; a key that a person chose stays as it is. */
export function jobNameOf(key: string): string {
  return readRunKey(key)?.name ?? key;
}
