/**
 * Loaded into the worker before afk (NODE_OPTIONS in /etc/afk/env), so that the real image misbehaves. The wedge guard's
 * thread loads it too, and stays as it is. Each says `misbehaving` when it does.
 */
const MAIN_THREAD = 'import { isMainThread } from "node:worker_threads";';
const SAY = 'process.stdout.write("misbehaving\\n");';

export const MISBEHAVIOUR = {
  /** The event loop stands still for good, in the middle of the third call. */
  blocked: `${MAIN_THREAD}
    import { subscribe } from "node:diagnostics_channel";
    let calls = 0;
    if (isMainThread) subscribe("http.client.request.start", () => {
      if (++calls !== 3) return;
      ${SAY}
      setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0), 50);
    });`,
  /** No signal that can be handled reaches afk: it goes on working. */
  ignoring: `${MAIN_THREAD}
    if (isMainThread) {
      const once = process.once.bind(process);
      process.once = (name, listener) => (name === "SIGTERM" ? process.on(name, () => {}) : once(name, listener));
      ${SAY}
    }`,
  /** Children and their children, in sessions of their own, that ignore every signal that can be ignored. */
  children: `${MAIN_THREAD}
    import { spawn } from "node:child_process";
    if (isMainThread && process.argv.includes("tick")) {
      const script = 'trap "" TERM INT HUP; setsid sh -c "trap \\\\"\\\\" TERM; sleep 600; sleep 600" & sleep 600; sleep 600';
      spawn("setsid", ["sh", "-c", script], { stdio: "ignore", detached: true });
      setTimeout(() => { ${SAY} }, 300);
    }`,
} as const;
