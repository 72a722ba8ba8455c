import { Worker } from "node:worker_threads";
import type { Config } from "../config/config.ts";
import { messageOf } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import { siblingScript } from "../lib/sibling-script.ts";
import { endThread } from "../lib/threads.ts";
import type { ThreadMessage, ThreadTask } from "./thread-task.ts";

export interface DashboardThread {
  /** May be called again, and resolves when the thread has ended. */
  close(): Promise<void>;
}

/** How long the thread may take to let its clients go. */
const CLOSE_MS = 1_000;
/** The same for one that is only starting, on a busy machine. */
const START_MS = 5_000;

/**
 * Serves the page from a thread of its own, so that neither a slow query nor many clients take a moment from the work,
 * and the wedge guard watches the work alone. What goes wrong with it is logged and changes nothing else: an agent
 * without a page works.
 */
export function startDashboardThread(parts: { config: Config; version: string; log: Log }): DashboardThread {
  const { log } = parts;
  const worker = startWorker({ config: parts.config, version: parts.version }, log);
  if (worker === null) return { close: async () => undefined };
  let isClosing = false;
  let hasStarted = false;
  worker.on("message", (message: ThreadMessage) => {
    hasStarted = true;
    tell(log, message);
  });
  worker.once("error", (error) => log.event("error", "dashboard_unavailable", { error: messageOf(error) }));
  worker.once("exit", (code) => {
    if (!isClosing && code !== 0) log.event("warn", "dashboard_gone", { code });
  });
  let ended: Promise<void> | undefined;
  const end = () => {
    isClosing = true;
    worker.postMessage("close");
    return endThread(worker, hasStarted ? CLOSE_MS : START_MS);
  };
  return {
    close() {
      ended ??= end();
      return ended;
    },
  };
}

function startWorker(task: ThreadTask, log: Log): Worker | null {
  try {
    const file = siblingScript("dashboard-worker", import.meta.url);
    const worker = new Worker(file, {
      name: "dashboard",
      workerData: task,
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 128 },
    });
    // It never keeps the process from ending.
    worker.unref();
    return worker;
  } catch (error) {
    log.event("error", "dashboard_unavailable", { error: messageOf(error) });
    return null;
  }
}

function tell(log: Log, message: ThreadMessage): void {
  switch (message.type) {
    case "listening":
      log.event("info", "dashboard_started", { url: message.url });
      return;
    case "unavailable":
      log.event("warn", "dashboard_unavailable", { error: message.error });
      return;
    case "error":
      log.event("error", "dashboard_error", { error: message.error });
  }
}
