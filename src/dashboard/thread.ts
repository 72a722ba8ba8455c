import { Worker } from "node:worker_threads";
import type { Config } from "../config/config.ts";
import { messageOf } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import { siblingScript } from "../lib/sibling-script.ts";
import { endThread } from "../lib/threads.ts";
import { type Door, openDoor } from "./door.ts";
import { urlOf } from "./listen.ts";
import type { ThreadMessage, ThreadOrder, ThreadTask } from "./thread-task.ts";

export interface DashboardThread {
  /** Shows what another configuration says. */
  reconfigure(config: Config): void;
  /** May be called again, and resolves when the thread has ended. */
  close(): Promise<void>;
}

interface Parts {
  config: Config;
  version: string;
  log: Log;
}

/** How long the thread may take to let its clients go. */
const CLOSE_MS = 1_000;
/** The same for one that is only starting, on a busy machine. */
const START_MS = 5_000;

/**
 * Serves the page from a thread of its own, so that neither a slow query nor many clients take a moment from the work,
 * and the wedge guard watches the work alone. The thread is started when the first one comes to look, since it takes as
 * much memory as the work does; whoever comes while it starts waits. What goes wrong with it is logged and changes
 * nothing else: an agent without a page works.
 */
export function startDashboardThread(parts: Parts): DashboardThread {
  const { log } = parts;
  const { bind, port } = parts.config.dashboard;
  let { config } = parts;
  let thread: DashboardThread | undefined;
  let ended: Promise<void> | undefined;

  async function open(): Promise<Door | null> {
    try {
      const door: Door = await openDoor({ port, host: bind }, () => {
        if (ended === undefined) thread = startThread({ ...parts, config }, door);
      });
      log.event("info", "dashboard_started", { url: urlOf(door.address) });
      return door;
    } catch (error) {
      log.event("warn", "dashboard_unavailable", { error: messageOf(error) });
      return null;
    }
  }

  async function end(): Promise<void> {
    (await opening)?.refuse();
    await thread?.close();
  }

  const opening = open();
  return {
    reconfigure(changed) {
      config = changed;
      thread?.reconfigure(changed);
    },
    close() {
      ended ??= end();
      return ended;
    },
  };
}

/** Starts the thread that takes the place of the door. */
function startThread(parts: Parts, door: Door): DashboardThread {
  const { config, version, log } = parts;
  const dashboard = { ...config.dashboard, port: door.address.port };
  const worker = startWorker({ config: { ...config, dashboard }, version }, log);
  if (worker === null) {
    door.refuse();
    return { reconfigure: () => undefined, close: async () => undefined };
  }
  const tell = (order: ThreadOrder) => worker.postMessage(order);
  let isClosing = false;
  let isListening = false;
  worker.on("message", (message: ThreadMessage) => {
    switch (message.type) {
      case "ready":
        // In this order, and at once: while nobody listens, whoever comes is turned away.
        door.leave();
        tell({ type: "listen" });
        return;
      case "listening":
        isListening = true;
        door.admit();
        return;
      case "unavailable":
        log.event("warn", "dashboard_unavailable", { error: message.error });
        return;
      case "error":
        log.event("error", "dashboard_error", { error: message.error });
    }
  });
  worker.once("error", (error) => log.event("error", "dashboard_unavailable", { error: messageOf(error) }));
  worker.once("exit", (code) => {
    door.refuse();
    if (!isClosing && code !== 0) log.event("warn", "dashboard_gone", { code });
  });
  return {
    reconfigure: (config) => tell({ type: "reconfigure", config }),
    async close() {
      isClosing = true;
      tell({ type: "close" });
      await endThread(worker, isListening ? CLOSE_MS : START_MS);
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
