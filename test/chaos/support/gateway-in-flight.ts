import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

/** Waits until a gateway of gateway-child.ts answers nobody any more: what is under way without a client is read to its end. */
export async function untilIdle(child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 400; tries += 1) {
    child.send("in flight?");
    const [count] = await once(child, "message");
    if (count === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
