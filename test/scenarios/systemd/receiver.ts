import { GenericContainer, Wait } from "testcontainers";
import { inject } from "vitest";
import { docker } from "../../support/engine/command.ts";
import { runLabels } from "../../support/engine/names.ts";
import { eventually } from "./eventually.ts";

/** An HTTP server beside the VM that takes alerts. */
export interface Receiver {
  url: string;
  /** What has arrived, oldest first. */
  received(): Promise<ReceivedAlert[]>;
  /** Waits for an alert of this event that arrived after `count` others had. */
  alert(event: string, count?: number): Promise<ReceivedAlert>;
  /** How long each answer takes from now on. */
  delay(ms: number): Promise<void>;
  stop(): Promise<void>;
}

export interface ReceivedAlert {
  at: number;
  path: string;
  agent: string;
  userAgent: string;
  body: Record<string, unknown>;
}

const PORT = 8080;
const SERVER = `
  const received = [];
  let delayMs = 0;
  require("node:http").createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    if (request.url === "/received") return response.end(JSON.stringify(received));
    if (request.url.startsWith("/delay/")) { delayMs = Number(request.url.slice(7)); return response.end(); }
    let body = {};
    try { body = JSON.parse(text); } catch { body = { text }; }
    received.push({ at: Date.now(), path: request.url, userAgent: request.headers["user-agent"], body });
    setTimeout(() => response.end("{}"), delayMs);
  }).listen(${PORT}, "0.0.0.0", () => console.log("listening"));
`;

export async function startReceiver(): Promise<Receiver> {
  const container = await new GenericContainer(inject("engine").afkImage)
    .withLabels(runLabels())
    .withEntrypoint(["node"])
    .withCommand(["-e", SERVER])
    .withWaitStrategy(Wait.forLogMessage("listening"))
    .start();
  const id = container.getId();
  const address = container.getIpAddress("bridge");
  const get = (path: string) =>
    docker([
      "exec",
      id,
      "node",
      "-e",
      `fetch("http://127.0.0.1:${PORT}${path}").then((r) => r.text()).then((t) => console.log(t))`,
    ]);
  const received: Receiver["received"] = async () => JSON.parse(await get("/received")) as ReceivedAlert[];
  return {
    url: `http://${address}:${PORT}`,
    received,
    alert: async (event, count = 0) => {
      let found: ReceivedAlert | undefined;
      await eventually(`an alert ${event} arrives`, async () => {
        found = (await received()).slice(count).find(({ body }) => body.event === event);
        return found !== undefined;
      });
      return found as ReceivedAlert;
    },
    delay: async (ms) => {
      await get(`/delay/${ms}`);
    },
    stop: async () => {
      await container.stop({ timeout: 0 });
    },
  };
}
