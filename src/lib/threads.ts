import type { Worker } from "node:worker_threads";
import { pause } from "./clock.ts";

/**
 * Waits for a thread that was told to end, and terminates it only when that takes longer than `graceMs`: a thread that is
 * terminated while it loads a compiled module takes the whole process with it (SIGABRT, exit code 134).
 */
export async function endThread(thread: Worker, graceMs: number): Promise<void> {
  const grace = pause(graceMs);
  thread.once("exit", grace.end);
  // One that has ended already has no id any more, and says nothing again.
  if (thread.threadId === -1) grace.end();
  await grace.over;
  await thread.terminate();
}
