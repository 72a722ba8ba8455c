import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../lib/clock.ts";
import { assert, messageOf } from "../lib/errors.ts";
import { type Dashboard, openDashboard } from "./server.ts";
import type { ThreadMessage, ThreadOrder, ThreadTask } from "./thread-task.ts";

// The page's thread; thread.ts starts it.
serve(workerData as ThreadTask);

function serve({ config, version }: ThreadTask): void {
  assert(parentPort !== null, "the page's thread was started as something else");
  const port = parentPort;
  const say = (message: ThreadMessage) => port.postMessage(message);
  let opening: Promise<Dashboard | null> = Promise.resolve(null);

  async function open(): Promise<Dashboard | null> {
    try {
      const onError = (error: string) => say({ type: "error", error });
      const dashboard = await openDashboard({ config, version, clock: systemClock, onError });
      say({ type: "listening" });
      return dashboard;
    } catch (error) {
      say({ type: "unavailable", error: messageOf(error) });
      port.close();
      return null;
    }
  }

  port.on("message", (order: ThreadOrder) => {
    switch (order.type) {
      case "listen":
        opening = open();
        return;
      case "reconfigure":
        void opening.then((dashboard) => dashboard?.reconfigure(order.config));
        return;
      case "close":
        // Closing the port too lets the thread end.
        void opening.then((dashboard) => dashboard?.close()).finally(() => port.close());
    }
  });
  say({ type: "ready" });
}
