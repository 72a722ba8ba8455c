import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../lib/clock.ts";
import { assert, messageOf } from "../lib/errors.ts";
import { openDashboard } from "./server.ts";
import type { ThreadMessage, ThreadTask } from "./thread-task.ts";

// The page's thread; thread.ts starts it.
void serve(workerData as ThreadTask);

async function serve({ config, version }: ThreadTask): Promise<void> {
  assert(parentPort !== null, "the page's thread was started as something else");
  const port = parentPort;
  const say = (message: ThreadMessage) => port.postMessage(message);
  try {
    const onError = (error: string) => say({ type: "error", error });
    const dashboard = await openDashboard({ config, version, clock: systemClock, onError });
    say({ type: "listening", url: dashboard.url });
    // Closing the port too lets the thread end.
    port.once("message", () => void dashboard.close().finally(() => port.close()));
  } catch (error) {
    say({ type: "unavailable", error: messageOf(error) });
    port.close();
  }
}
