/** One request that a client makes, and whether it hangs up in the middle of the answer. */
export interface Ask {
  path: string;
  key: string;
  body: object;
  headers: Record<string, string>;
  /** Hangs up after so many milliseconds; null stays. */
  leavesAfterMs: number | null;
}

/** What came of the requests of one client: how many had which status; 0 for none. */
export type Outcomes = Record<number, number>;

/** Sent once the client listens: requests to make, so many at a time. */
export interface ClientOrders {
  url: string;
  asks: Ask[];
  atOnce: number;
}

process.on("message", async ({ url, asks, atOnce }: ClientOrders) => {
  const outcomes: Outcomes = {};
  const left = [...asks];
  const work = async () => {
    for (let ask = left.shift(); ask !== undefined; ask = left.shift()) {
      const status = await made(url, ask);
      outcomes[status] = (outcomes[status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  process.send?.(outcomes);
});
process.send?.("ready");

/** A gateway that is just being started again is asked again, as clients do; what was cut off is not. */
async function made(url: string, { path, key, body, headers, leavesAfterMs }: Ask): Promise<number> {
  for (let tries = 0; tries < 200; tries += 1) {
    let status = 0;
    try {
      const reply = await fetch(url + path, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${key}`, ...headers },
        body: JSON.stringify(body),
        signal: leavesAfterMs === null ? AbortSignal.timeout(60_000) : AbortSignal.timeout(leavesAfterMs),
      });
      status = reply.status;
      await reply.arrayBuffer();
      return status;
    } catch (error) {
      const isRefused =
        error instanceof Error && (error.cause as { code?: string } | undefined)?.code === "ECONNREFUSED";
      if (!isRefused) return status;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  return 0;
}
