import { describe, expect, it, onTestFinished } from "vitest";
import { createRemoteQuestions } from "../../../src/runner/questions/phone-questions.ts";
import type { RemoteMessage } from "../../../src/runner/remote/message.ts";
import { createVerbs } from "../../../src/runner/remote/verbs.ts";
import { acquireLock } from "../../../src/store/sqlite/lock.ts";
import { actionServer, answering } from "../../support/drafting.ts";
import { harness } from "../harness.ts";

const MINUTE = 60_000;
const MESSAGE = {
  id: "1",
  sentAtMs: 0,
  from: "owner",
  isEdited: false,
  isForwarded: false,
  isOld: false,
} as const;

/** An agent that is read from the phone, whose job drafts a POST to this server. */
async function onThePhone() {
  const server = await actionServer();
  const made = await harness(
    (context) =>
      context.draft("to the hook", "post", { url: `${server.origin}/hook`, text: "hello" }) as undefined,
    {
      egress: { allow: ["127.0.0.1"], allow_private: ["127.0.0.1"], requests_per_minute: 600 },
      alerts: [
        {
          name: "phone",
          type: "telegram",
          url: `${server.origin}/bot1:${"a".repeat(35)}`,
          chat_id: "42",
          on: ["alert_test"],
        },
      ],
      remote: { telegram: { channel: "phone" } },
    },
  );
  const { agent } = made;
  // So that no tick reads the phone: what is said comes from here.
  const lock = acquireLock(agent.config.paths.remoteLock);
  onTestFinished(() => lock.release());
  const { rails, drafts, status, store } = agent;
  const { obey } = createVerbs({ rails, drafts, status, current: () => agent.config, wake: () => undefined });
  const say = async (text: string, { isCutOff = false } = {}) => {
    const message: RemoteMessage = { ...MESSAGE, text };
    const { reply, after } = await store.atomically((trx) => obey(trx, message, "phone"));
    const later = after === undefined || isCutOff ? null : await after();
    return [reply, later].filter((each) => each !== null).join("\n");
  };
  return { ...made, server, say, questions: createRemoteQuestions(rails) };
}

/** The job has drafted, and the phone was asked. */
async function asked() {
  const made = await onThePhone();
  await made.agent.enqueue("work");
  made.clock.advance(1);
  await made.agent.tick();
  const [question] = await made.questions.next();
  const [, code = ""] = question?.actions[0]?.message.split(" ") ?? [];
  await made.questions.sent(question?.id ?? "");
  const hooks = () => made.server.received.filter(({ path }) => path === "/hook").length;
  const state = () => made.target.query<{ state: string }>("select state from drafts")[0]?.state;
  return { ...made, question, code, hooks, state };
}

const wide = (letter: string) => String.fromCodePoint((letter.codePointAt(0) ?? 0) + 0xfee0);

describe("what the phone says", () => {
  it("stops, with the reason, and says that nothing there clears it", async () => {
    const { say, target } = await onThePhone();
    expect(await say("Stop: the bill looks odd")).toBe(
      "Stopped: no model is called. Only at the keyboard: afk resume",
    );
    expect(target.query("select reason from kill_switch")).toEqual([
      { reason: "by the phone (phone): the bill looks odd" },
    ]);
    expect(await say("STOP!!")).toMatch(/^It is stopped already: by the phone/);
  });

  it("asks how the agent is, in local times", async () => {
    const { say, agent } = await onThePhone();
    await agent.tick();
    const told = await say("/status@afk_bot");
    expect(told).toMatch(/^test-agent: /);
    expect(told).toMatch(
      /spent today: \$0\.00 of \$1\.00\nqueue: 0 ready, 0 running, 0 failed for good\nlast tick: Sat 21 Nov \d\d:\d\d/,
    );
  });

  it("pauses a job of afk.yaml and no other", async () => {
    const { say, target } = await onThePhone();
    expect(await say("pause wrok")).toBe("There is no job of that name; write: pause work");
    expect(await say("Pause work")).toMatch(/^work is paused; .+ Only at the keyboard: afk unpause work$/);
    expect(target.query("select job_name, by from paused_jobs")).toEqual([{ job_name: "work", by: "phone" }]);
  });

  it.each([
    "resume",
    "/resume",
    "RESUME now",
    "unpause work",
    "raise the cap to 5",
    "cap 5",
    "budget 9",
    "run work",
    "key make x",
  ])("does not do what is done at the keyboard alone: %s", async (text) => {
    const { say, target } = await onThePhone();
    await say("stop");
    expect(await say(text)).toBe("That is done only at the keyboard; nothing was done.");
    expect(target.query("select set_at from kill_switch where set_at is null")).toEqual([]);
  });

  it.each(["approve", "approve it all now please", "yes", "Yes please do", "reject"])(
    "needs a code: %s",
    async (text) => {
      const { say, hooks } = await asked();
      expect(await say(text)).toMatch(/needs the code of its question|no valid code/);
      expect(hooks()).toBe(0);
    },
  );

  it("that means nothing is answered with what can be said", async () => {
    const { say } = await onThePhone();
    expect(await say("make me a sandwich")).toMatch(
      /^That is not known; nothing was done\.\nWhat can be sent:\nstop/,
    );
    expect(await say("help")).toMatch(/^What can be sent:\nstop/);
  });
});

describe("a draft on the phone", () => {
  it("is asked about with all that it would do, quoted, and is done once by its code", async () => {
    const { question, code, say, hooks, state } = await asked();
    expect(question?.text).toMatch(
      /^work asks to do "post": to the hook\n> url: http:\/\/127\.0\.0\.1:\d+\/hook\n> text: hello\n\nAnswer until /,
    );
    expect(await say(`approve ${code}`)).toMatch(
      /^Approved: work does it now\.\nDone: POST to 127\.0\.0\.1:\d+ was answered with 201\.$/,
    );
    expect([hooks(), state()]).toEqual([1, "done"]);
    expect(await say(`approve ${code}`)).toMatch(
      /^That was answered with yes on Sat 21 Nov 10:00 by phone; nothing more was done\.$/,
    );
    expect(hooks()).toBe(1);
  });

  it.each([
    ["small letters", (code: string) => `approve ${code.toLowerCase()}`],
    ["groups", (code: string) => `Approve ${code.slice(0, 4)} ${code.slice(4)}`],
    ["a dash", (code: string) => `APPROVE ${code.slice(0, 4)}-${code.slice(4)}`],
    ["a dot at the end", (code: string) => `approve ${code}.`],
    ["the dot that a phone puts for two blanks", (code: string) => `approve. ${code}`],
    ["a dot within", (code: string) => `approve ${code.slice(0, 4)}. ${code.slice(4)}`],
    ["a colon", (code: string) => `/approve: ${code}`],
    ["wide letters", (code: string) => `approve ${code.replace(/[A-Z0-9]/g, wide)}`],
  ])("is done by its code as people type it: %s", async (_how, typed) => {
    const { code, say, hooks } = await asked();
    expect(await say(typed(code))).toMatch(/^Approved: work does it now\.\nDone: /);
    expect(hooks()).toBe(1);
  });

  it("that was rejected is not done by its code any more", async () => {
    const { code, say, hooks, state } = await asked();
    await say(`reject ${code}`);
    expect(await say(`approve ${code}`)).toBe(
      "That was answered with no on Sat 21 Nov 10:00 by phone; nothing more was done.",
    );
    expect([hooks(), state()]).toEqual([0, "rejected"]);
  });

  it("that was rejected at the keyboard is not done by its code any more", async () => {
    const { agent, target, code, say, hooks } = await asked();
    const [draft] = target.query<{ id: string }>("select id from drafts");
    await agent.drafts.reject(draft!.id);
    expect(await say(`approve ${code}`)).toMatch(
      /^That was answered with no on .+ by keyboard; nothing more/,
    );
    expect(hooks()).toBe(0);
  });

  it("is closed by reject and its code, and not done", async () => {
    const { code, say, hooks, state } = await asked();
    expect(await say(`reject ${code.toLowerCase()}`)).toMatch(/^Rejected/);
    expect([hooks(), state()]).toEqual([0, "rejected"]);
  });

  it("says what is not known, and where it waits", async () => {
    const { code, say, server, state } = await asked();
    server.answer = answering(500);
    expect(await say(`approve ${code}`)).toMatch(/\n(?:Unknown|Not done): .+ afk drafts$/);
    expect(state()).not.toBe("done");
  });

  it("is not done while the switch is set, and is asked about again after that", async () => {
    const { code, say, hooks, questions, clock } = await asked();
    await say("stop");
    expect(await say(`approve ${code}`)).toMatch(/\nNot done: stopped by the kill switch/);
    expect(hooks()).toBe(0);
    clock.advance(3 * MINUTE);
    const [again] = await questions.next();
    expect(again?.text).not.toContain(code);
  });

  it("that was approved before its process ended in the middle is asked about again, with another code", async () => {
    const { code, say, hooks, questions, clock, state } = await asked();
    await say(`approve ${code}`, { isCutOff: true });
    expect([hooks(), state()]).toEqual([0, "pending"]);
    clock.advance(3 * MINUTE);
    const [again] = await questions.next();
    const [, other = ""] = again?.actions[0]?.message.split(" ") ?? [];
    expect(await say(`approve ${code}`)).toBe("That is no valid code; nothing was done.");
    await say(`approve ${other}`);
    expect([hooks(), state()]).toEqual([1, "done"]);
  });

  it("that was decided at the keyboard is not open any more", async () => {
    const { agent, code, say, target, hooks } = await asked();
    const [draft] = target.query<{ id: string }>("select id from drafts");
    await agent.drafts.reject(draft?.id ?? "");
    expect(await say(`approve ${code}`)).toMatch(/^That was answered with no on .+ by keyboard/);
    expect(hooks()).toBe(0);
  });
});
