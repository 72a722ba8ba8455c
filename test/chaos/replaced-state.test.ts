import {
  copyFileSync,
  cpSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { Behaviour } from "../../src/faults/model-answers.ts";
import { receiver } from "../alerts/receiver.ts";
import { type Deployment, deployment, digestConfig, fillInbox, ollama } from "../support/afk.ts";
import { cases, patience, report } from "../support/chaos.ts";

/*
 * Files of the state are moved, deleted or replaced under a worker that is in the middle of a reply: whoever works on what
 * stands there then does not see this one, nor this one them. It must end, by itself, and spend nothing more.
 */

const DATABASE = "afk.db";
const move = (from: string, to: string) => renameSync(from, to);

const ATTACKS: Record<string, (target: Deployment) => void> = {
  "afk.db is deleted": ({ state }) => unlinkSync(join(state, DATABASE)),
  "lock.db is deleted": ({ state }) => unlinkSync(join(state, "lock.db")),
  "a copy is put in the place of afk.db": ({ state }) => {
    copyFileSync(join(state, DATABASE), join(state, "copy"));
    move(join(state, "copy"), join(state, DATABASE));
  },
  "the folder is moved": ({ dir, state }) => move(state, join(dir, "moved")),
  "the folder is a link, and leads elsewhere": ({ dir, state }) => {
    cpSync(join(dir, "real"), join(dir, "other"), { recursive: true });
    unlinkSync(state);
    symlinkSync(join(dir, "other"), state);
  },
  "afk.db is moved": ({ state }) => move(join(state, DATABASE), join(state, "old.db")),
  "lock.db is moved": ({ state }) => move(join(state, "lock.db"), join(state, "old-lock.db")),
  "a copy is put in the place of lock.db": ({ state }) => {
    copyFileSync(join(state, "lock.db"), join(state, "copy"));
    move(join(state, "copy"), join(state, "lock.db"));
  },
  "the write-ahead log is deleted": ({ state }) => unlinkSync(join(state, `${DATABASE}-wal`)),
  "the index of the log is deleted": ({ state }) => unlinkSync(join(state, `${DATABASE}-shm`)),
  "all that is in the folder is deleted": ({ state }) => {
    rmSync(state, { recursive: true });
    mkdirSync(state);
  },
  "the folder is replaced by a copy of itself": ({ dir, state }) => {
    cpSync(state, join(dir, "copy"), { recursive: true });
    move(state, join(dir, "moved"));
    move(join(dir, "copy"), state);
  },
};

const IS_LINKED = "the folder is a link, and leads elsewhere";

it("a worker whose files are replaced ends, sends nothing more, and says what happened", {
  timeout: patience({ test: 180_000, chaos: 600_000 }),
}, async () => {
  const chosen = Object.entries(ATTACKS).slice(0, cases({ test: 5, chaos: Object.keys(ATTACKS).length }));
  for (const each of chosen) await attack(each);
  report("files replaced under a worker", chosen.length);
});

it("a worker goes on where its files only have another name besides, or had one for a moment", {
  timeout: patience({ test: 180_000, chaos: 60_000 }),
}, async () => {
  const gate = Promise.withResolvers<void>();
  const { target, running } = await inMidReply({ type: "slow", gate: () => gate.promise });
  linkSync(join(target.state, DATABASE), join(target.dir, "second.db"));
  renameSync(join(target.state, DATABASE), join(target.dir, "first.db"));
  renameSync(join(target.dir, "second.db"), join(target.state, DATABASE));
  gate.resolve();
  await running.logged("tick_finished");
  running.kill("SIGTERM");
  expect(await running.ended).toMatchObject({ code: 0, stderr: "" });
});

it("an idle worker ends too, its owner is told, and who comes next spends nothing that it does not know of", {
  timeout: patience({ test: 180_000, chaos: 60_000 }),
}, async () => {
  const [server, phone] = [await ollama(), await receiver()];
  const alerts = [{ type: "webhook", url: `${phone.url}/hook` }];
  const target = deployment(digestConfig(server.url, { rest: { alerts } }));
  fillInbox(target, 1);
  const running = target.start(["run"]);
  await running.logged("tick_finished");
  const asked = server.requests.length;
  for (const name of [DATABASE, `${DATABASE}-wal`, `${DATABASE}-shm`]) unlinkSync(join(target.state, name));

  // A second one in the same moment: its state is new, and behind the mark.
  const second = await target.afk(["tick"]);
  expect(second).toMatchObject({ code: 0, stdout: expect.stringContaining("state_rolled_back") });
  expect(await running.ended).toMatchObject({ code: 1, stderr: expect.stringContaining("moved or deleted") });
  const told = phone.received.map(({ body }) => String((JSON.parse(body) as { message: string }).message));
  expect(told.filter((message) => message.includes(`${DATABASE} was moved or deleted`))).toHaveLength(1);
  expect(server.requests).toHaveLength(asked);
});

async function attack([name, replace]: [string, (target: Deployment) => void]): Promise<void> {
  const { server, target, running } = await inMidReply(STALL, name === IS_LINKED);
  replace(target);
  const { code, stderr, stdout } = await running.ended;
  expect({ name, code, stderr }).toEqual({ name, code: 1, stderr: expect.stringMatching(SAID) });
  expect(stdout, name).toContain('"event":"state_replaced"');
  await server.requests[0]?.closed;
  expect(server.requests, name).toHaveLength(1);
}

const STALL: Behaviour = { type: "stall", pieces: 2 };
const SAID =
  /^afk run: .*(was moved or deleted|another file is in the place).*Its call, \$[0-9.]+ at most, may be on the books/;

async function inMidReply(reply: Behaviour, isLinked = false) {
  const server = await ollama([reply]);
  const target = deployment(digestConfig(server.url));
  if (isLinked) {
    mkdirSync(join(target.dir, "real"));
    symlinkSync(join(target.dir, "real"), target.state);
  }
  fillInbox(target, 1);
  const running = target.start(["run"]);
  await server.request(1);
  return { server, target, running };
}
