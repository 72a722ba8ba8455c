import { describe, expect, test } from "vitest";
import { EgressRefused, SendFailed } from "../../../src/egress/errors.ts";
import type { PushRequest } from "../../../src/jobs/actions/action.ts";
import { oneRequest } from "../../../src/runner/drafts/request.ts";

const REQUEST = { method: "POST", headers: {}, body: null } as const;

function requestOf(send: () => Promise<{ status: number }>) {
  return oneRequest({
    outgoing: { send },
    authorize: () => "Bearer t",
    append: async () => ({ folder: "Drafts", wasThere: false }),
    push: async () => undefined,
    idempotencyKey: "key",
    signal: new AbortController().signal,
  });
}

const failed = (mayHaveArrived: boolean) => new SendFailed("it failed", { mayHaveArrived, cause: null });

describe("what became of the one request", () => {
  test.each([
    ["200", async () => ({ status: 200 }), "done"],
    ["299", async () => ({ status: 299 }), "done"],
    ["300", async () => ({ status: 300 }), "unknown"],
    ["399", async () => ({ status: 399 }), "unknown"],
    ["400", async () => ({ status: 400 }), "not_done"],
    ["499", async () => ({ status: 499 }), "not_done"],
    ["500", async () => ({ status: 500 }), "unknown"],
    ["a status beyond the known", async () => ({ status: 600 }), "unknown"],
    ["not sent", () => Promise.reject(failed(false)), "not_done"],
    ["no answer", () => Promise.reject(failed(true)), "unknown"],
    ["refused by policy", () => Promise.reject(new EgressRefused("no")), "not_done"],
    ["a bug of ours", () => Promise.reject(new TypeError("x")), "unknown"],
  ] as const)("%s, also when the action swallows it", async (_name, send, type) => {
    const { tools, outcome } = requestOf(send);
    await tools.post("https://a.test/", REQUEST).catch(() => "swallowed");
    expect(outcome().type).toBe(type);
  });

  test("everything but 2xx is thrown to the action", async () => {
    for (const status of [199, 302, 404, 500]) {
      const { tools } = requestOf(async () => ({ status }));
      await expect(tools.post("https://a.test/", REQUEST)).rejects.toThrow(`${status}`);
    }
  });

  test("an action that made no request has done nothing", () => {
    expect(requestOf(async () => ({ status: 200 })).outcome()).toMatchObject({ type: "not_done" });
  });

  test("an action that did not wait for its request leaves it unknown", () => {
    const { tools, outcome } = requestOf(() => new Promise(() => undefined));
    void tools.post("https://a.test/", REQUEST);
    expect(outcome()).toMatchObject({ type: "unknown" });
  });

  test("a second request is a bug and is not sent", async () => {
    let sent = 0;
    const { tools, outcome } = requestOf(async () => {
      sent += 1;
      return { status: 200 };
    });
    await tools.post("https://a.test/", REQUEST);
    await expect(tools.post("https://a.test/", REQUEST)).rejects.toThrow("afk bug");
    expect([sent, outcome().type]).toEqual([1, "done"]);
  });
});

describe("a request behind a push", () => {
  const wanted = { branch: "afk/fix-1" } as PushRequest;
  const behindPush = async (send: () => Promise<{ status: number }>, alsoDone: number[] = []) => {
    const request = requestOf(send);
    await request.tools.push(wanted);
    await request.tools.post("https://example.org", { ...REQUEST, alsoDone }).catch(() => undefined);
    return request.outcome();
  };

  test("says what was done, and of a refusal that the branch is there", async () => {
    expect(await behindPush(async () => ({ status: 201 }))).toEqual({ type: "done" });
    expect(await behindPush(async () => ({ status: 422 }), [422])).toEqual({ type: "done" });
    expect(await behindPush(async () => ({ status: 403 }))).toMatchObject({
      type: "not_done",
      error: "the branch afk/fix-1 is pushed; the server refused it with status 403",
    });
    expect(await behindPush(() => Promise.reject(failed(true)))).toMatchObject({ type: "unknown" });
  });

  test("is one", async () => {
    const request = requestOf(async () => ({ status: 201 }));
    await request.tools.push(wanted);
    await request.tools.post("https://example.org", REQUEST);
    await expect(request.tools.post("https://example.org", REQUEST)).rejects.toThrow(/second request/);
  });

  test("is not needed", async () => {
    const request = requestOf(async () => ({ status: 500 }));
    await request.tools.push(wanted);
    expect(request.outcome()).toEqual({ type: "done" });
  });
});
