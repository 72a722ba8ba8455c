// @module-tag slow
import { describe, expect, it } from "vitest";
import { testGateway, turn } from "../gateway-on.ts";

/** The longest that a timer of 20 ms had to wait, in milliseconds, until `work` was over. */
async function longestBlock(work: () => Promise<unknown>): Promise<number> {
  let last = performance.now();
  let longest = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 20);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return longest;
}

describe("a body whose judgement takes long", () => {
  it("keeps nobody else waiting: marks that have to be put in order", async () => {
    const { url } = await testGateway();
    const text = `a${"\u0301\u0316".repeat(250_000)}`;
    const blockedMs = await longestBlock(() =>
      turn(url, "chat", { messages: [{ role: "user", content: text }] }),
    );
    expect(blockedMs).toBeLessThan(5_000);
  });
});
