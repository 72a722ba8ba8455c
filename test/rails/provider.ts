import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** Keeps its own bill, as providers do: what it has worked on is billed, whatever becomes of the answer. */
export async function provider(
  answer: (
    response: ServerResponse,
    count: number,
  ) => { billMicros: number } | Promise<{ billMicros: number }>,
) {
  const bill = { micros: 0, requests: 0 };
  const server = createServer((request, response) => {
    request.resume();
    bill.requests += 1;
    void Promise.resolve(answer(response, bill.requests)).then(({ billMicros }) => {
      bill.micros += billMicros;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { bill, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}
