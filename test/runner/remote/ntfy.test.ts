// @module-tag slow
import { describe, expect, test } from "vitest";
import { ntfyServer } from "../../support/ntfy-server.ts";
import { ntfyPhone, onThePhone, REPLY_TOPIC, TOPIC, until } from "./on-the-phone.ts";

async function started(options: Parameters<typeof ntfyServer>[0] & { auth?: string } = {}) {
  const server = await ntfyServer(options);
  const on = await onThePhone(...ntfyPhone(server.origin, options.auth));
  const send = (message: string, changes: object = {}) =>
    server.publish({ topic: REPLY_TOPIC, message, ...changes });
  const answers = () => server.of(TOPIC).map(({ message }) => message);
  return { server, send, answers, ...on };
}

const ago = (seconds: number) => ({ time: Math.floor(Date.now() / 1_000) - seconds });

describe("what is sent to the reply topic", () => {
  test("is obeyed at once, and answered on the topic of the alerts", async () => {
    const { server, send, start, obeyed, answers } = await started();
    start();
    await until(() => server.streams() === 1);
    send("/status");
    await until(() => answers().length > 0);
    expect(obeyed).toEqual(["status"]);
    expect(answers()).toEqual(["All is well."]);
    // Its own answers do not come back to it.
    expect(server.of(REPLY_TOPIC)).toHaveLength(1);
  });

  test("is obeyed once, across connections that break off", async () => {
    const { server, send, start, obeyed } = await started();
    start();
    await until(() => server.streams() === 1);
    send("one");
    await until(() => obeyed.length === 1);
    server.drop();
    send("two");
    await until(() => obeyed.length === 2 && server.streams() === 1);
    expect(obeyed).toEqual(["one", "two"]);
    expect(server.subscriptions.at(-1)!.searchParams.get("since")).toMatch(/^m/);
  });

  test("is not read from before the last hour at the first time", async () => {
    const { server, send, start, obeyed } = await started();
    send("stop", ago(2 * 3_600));
    send("stop", ago(30 * 60));
    start();
    await until(() => server.streams() === 1 && obeyed.length > 0);
    expect(obeyed).toEqual(["stop"]);
  });

  test("counts as a stop for an hour, and else for ten minutes", async () => {
    const { send, start, obeyed, answers } = await started();
    send("pause digest", ago(11 * 60));
    send("status", ago(9 * 60));
    send("stop", ago(59 * 60));
    start();
    await until(() => answers().length >= 3);
    expect(obeyed.sort()).toEqual(["status", "stop"]);
    expect(answers()[0]).toContain("too old");
  });

  test("is passed over where it is a file, or longer than a message", async () => {
    const { send, start, obeyed } = await started();
    start();
    send("x".repeat(1_000_000));
    send("stop", { attachment: { name: "a.txt" } });
    send("hello");
    await until(() => obeyed.length > 0);
    expect(obeyed).toEqual(["hello"]);
  });
});

describe("buttons", () => {
  test("post their answer to the reply topic, and three at most are sent", async () => {
    const { server, start, questions, asked, obeyed } = await started();
    const actions = ["Yes", "No", "Stop", "More"].map((label) => ({
      label,
      message: `${label.toLowerCase()} K7QX`,
    }));
    questions.push({ id: "q1", text: 'Go on for $0.10 more, "really"?; a=b, c', actions });
    start();
    await until(() => asked.length > 0);
    const [question] = server.of(TOPIC);
    expect(question!.message).toBe('Go on for $0.10 more, "really"?; a=b, c');
    expect(question!.actions).toHaveLength(3);
    const yes = question!.actions![0]!;
    expect(yes).toMatchObject({ action: "http", label: "Yes", method: "POST", clear: true });
    // What the phone does when it is pressed.
    await fetch(yes.url, { method: yes.method, body: yes.body });
    await until(() => obeyed.length > 0);
    expect(obeyed).toEqual(["yes K7QX"]);
  });

  test("a question that does not get out is not marked as asked", async () => {
    const { server, start, questions, asked, events } = await started();
    server.troubles.push({ at: "publish", how: { status: 507 } });
    questions.push({ id: "q1", text: "Go on?", actions: [] });
    start();
    await until(() => events().includes("remote_unasked"));
    expect(asked).toEqual([]);
  });
});

describe("access", () => {
  const auth = `?auth=${Buffer.from("Bearer tk_secret123").toString("base64url")}`;

  test("is that of the alert channel's address", async () => {
    const { server, send, start, obeyed, answers } = await started({ token: "tk_secret123", auth });
    start();
    await until(() => server.streams() === 1);
    send("status");
    await until(() => answers().length > 0);
    expect(obeyed).toEqual(["status"]);
  });

  test("where it lacks, is said in words that mend it", async () => {
    const { start, rails } = await started({ token: "tk_secret123" });
    start();
    await until(() => rails.logged.some(({ event }) => event === "remote_failed"));
    const [row] = await rails.store.db.selectFrom("remote_cursors").selectAll().execute();
    expect(row!.error).toContain("?auth=");
    expect(row!.error).not.toContain(REPLY_TOPIC);
  });
});

describe("trouble", () => {
  test.each([
    ["a reset connection", "reset" as const],
    ["a page in place of the stream", "garbage" as const],
    ["an error of the server", { status: 500 }],
    ["a limit", { status: 429, headers: { "retry-after": "2" } }],
  ])("%s is got over, and loses nothing", async (_name, how) => {
    const { server, send, start, obeyed } = await started();
    server.troubles.push({ at: "subscribe", how }, { at: "subscribe", how });
    send("hello");
    start();
    await until(() => obeyed.length > 0);
    expect(obeyed).toEqual(["hello"]);
  });

  test("a flood leaves a stop its place", async () => {
    const { send, start, rails, obeyed } = await started();
    for (let n = 0; n < 1_000; n++) send(`yes ${n}`);
    send("stop");
    start();
    await until(() => rails.watch.signal.aborted, 60_000);
    expect(obeyed.length).toBeLessThanOrEqual(21);
  }, 90_000);
});
