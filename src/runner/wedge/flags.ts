/**
 * What the threads of a guarded process share, by index. `liveness` and `looks` are counts, which may wrap around; the others are
 * 0 or 1. The last two are of a fleet alone.
 */
export const FLAG = { liveness: 0, isAtWork: 1, isToldToEnd: 2, isDone: 3, looks: 4, isKillSet: 5 } as const;

export type Flags = Int32Array<SharedArrayBuffer>;

export function newFlags(): Flags {
  return new Int32Array(new SharedArrayBuffer(Object.keys(FLAG).length * Int32Array.BYTES_PER_ELEMENT));
}

/** While jobs are run: without a look for this long nobody could stop them, so the switch counts as set. */
const STALE_MS = 5_000;
/** The first look takes a thread, and a connection. */
const FIRST_LOOK_MS = 20_000;

/**
 * The looks of kill-looks-thread.ts, as another thread counts them, one step of its own after the other. Not by the time that
 * passes: a process that was suspended took them all with it.
 */
export function followLooks(flags: Flags, stepMs: number) {
  let seen = 0;
  let staleSteps = 0;
  return {
    step(): { isKillSet: boolean; isStale: boolean } {
      const looks = Atomics.load(flags, FLAG.looks);
      const isWaiting = looks === seen && Atomics.load(flags, FLAG.isAtWork) === 1;
      staleSteps = isWaiting ? staleSteps + 1 : 0;
      seen = looks;
      const isStale = staleSteps * stepMs >= (looks === 0 ? FIRST_LOOK_MS : STALE_MS);
      return { isKillSet: Atomics.load(flags, FLAG.isKillSet) === 1, isStale };
    },
  };
}
