import { describe, type ExpectStatic, it } from "vitest";
import { say } from "../support/engine/command.ts";
import { behave } from "../support/engine/model.ts";
import {
  calledTimes,
  callsOf,
  digestIsThere,
  digestsOf,
  expectBooksRight,
  itemsNotOnce,
  trafficOf,
} from "./support/books.ts";
import { type Deployment, deploy } from "./support/deployment.ts";
import { digestConfig } from "./support/digest.ts";

const ITEMS = 4;
/** Room for the ballast (4 MiB), for what must be free to begin work (8 MiB), and for the state. */
const SMALL = [
  "--opt",
  "type=tmpfs",
  "--opt",
  "device=tmpfs",
  "--opt",
  "o=size=32m,uid=1000,gid=1000,mode=750",
];
/** Takes what is left to anybody, to the last byte and at once. */
const AVAILABLE = "$(df -k --output=avail /data | tail -n 1)";
const FILL = `fallocate -l $((${AVAILABLE} * 1024)) /data/filler; test ${AVAILABLE} -eq 0`;
const MAKE_ROOM = "rm /data/filler";
const DISK_FULL = /the disk that holds \/data\/\S+ is full; make room and start again/;

describe.concurrent("a state volume that is full", () => {
  it("says so before it begins, and calls no model until there is room", async ({ expect, ...context }) => {
    const agent = await deploy(context, { stateVolume: SMALL });
    await agent.configure(digestConfig());
    await agent.fillInbox(ITEMS);
    await agent.sh(FILL);
    const before = await trafficOf(agent);
    const { code, stdout, stderr } = await agent.run(["tick"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(DISK_FULL);
    expect(await trafficOf(agent)).toBe(before);
    expect(stdout).not.toContain("    at ");
    await expectDoneWithRoom(agent, expect);
    say(`  full from the start: exit ${code}, "${firstLine(stderr)}"; done once there was room`);
  });

  it("finishes a digest that it fills up under, in the room of its ballast", async ({
    expect,
    ...context
  }) => {
    const agent = await deploy(context, { stateVolume: SMALL });
    const { code } = await fillInMidDigest(agent, FILL);
    expect(code).toBe(0);
    expect(await agent.sh("ls /data")).not.toContain("ballast");
    const { names, text } = await digestsOf(agent);
    expect(names).toHaveLength(1);
    expect(itemsNotOnce(text, ITEMS)).toEqual({});
    await agent.sh(MAKE_ROOM);
    const books = await expectBooksRight(agent);
    expect(books.again).toBe(0);
    say(`  full in mid-digest, with a ballast: exit ${code}, the digest is there; ${JSON.stringify(books)}`);
  });

  it("keeps what it can when even that is gone, and goes on when there is room", async ({
    expect,
    ...context
  }) => {
    const agent = await deploy(context, { stateVolume: SMALL });
    const { code, logs } = await fillInMidDigest(agent, `rm -f /data/ballast; ${FILL}`);
    expect(code).toBe(1);
    expect(logs).toMatch(DISK_FULL);
    expect((await digestsOf(agent)).names).toEqual([]);
    // Full as it is, a further tick is refused, and does not call.
    const calls = (await callsOf(agent)).length;
    expect(calls).toBe(2);
    const next = await agent.run(["tick"]);
    expect(next.code).toBe(1);
    expect(next.stderr).toMatch(DISK_FULL);
    expect(await callsOf(agent)).toHaveLength(calls);
    await expectDoneWithRoom(agent, expect);
    const books = await expectBooksRight(agent);
    say(`  full in mid-digest, to the last byte: exit ${code}, then ${next.code}; ${JSON.stringify(books)}`);
  });
});

describe.concurrent("a state volume that cannot be used", () => {
  const REFUSALS = [
    { name: "mounted read-only", data: "ro", prepare: "true" },
    { name: "owned by root", data: "rw", prepare: "chown 0:0 /data; chmod 755 /data" },
    { name: "not there at all, in a read-only container", data: null, prepare: "true" },
  ] as const;

  it.for(REFUSALS)(
    "$name: one clear message, exit 1, and no byte to the model",
    async ({ name, data, prepare }, { expect, ...context }) => {
      const agent = await deploy(context);
      await agent.configure(digestConfig());
      await agent.fillInbox(ITEMS);
      await agent.sh(prepare);
      const before = await trafficOf(agent);
      for (const command of ["tick", "run"]) {
        const { code, stdout, stderr } = await agent.run([command], { data });
        expect(code).toBe(1);
        expect(stderr).toContain("cannot write /data/afk.db: make its folder writable for this user");
        expect(stderr + stdout).not.toContain("    at ");
      }
      const doctor = await agent.run(["doctor", "--offline"], { data });
      expect(doctor.code).not.toBe(0);
      expect(await trafficOf(agent)).toBe(before);
      say(`  ${name}: exit 1, doctor ${doctor.code}: "${worstLine(doctor.stdout)}"`);
      await agent.sh("chown 1000:1000 /data; chmod 750 /data");
      expect((await agent.run(["tick"])).code).toBe(0);
      expect(itemsNotOnce((await digestsOf(agent)).text, ITEMS)).toEqual({});
    },
  );

  it("keeps a state that becomes read-only in use as it was", async ({ expect, ...context }) => {
    const agent = await deploy(context);
    await agent.configure(digestConfig());
    await agent.fillInbox(ITEMS);
    expect((await agent.run(["tick"])).code).toBe(0);
    const before = await digestsOf(agent);
    const { code, stderr } = await agent.run(["tick"], { data: "ro" });
    expect(code).toBe(1);
    expect(stderr).toContain("make its folder writable for this user");
    // The kill switch says that it could not be set, and does not pretend.
    const stop = await agent.run(["stop"], { data: "ro" });
    expect(stop.code).toBe(1);
    expect(await digestsOf(agent)).toEqual(before);
    expect((await agent.run(["tick"])).code).toBe(0);
    const books = await expectBooksRight(agent);
    expect(books.again).toBe(0);
    say(`  read-only after a first tick: exit ${code}, afk stop ${stop.code}; ${JSON.stringify(books)}`);
  });
});

/** A tick whose state volume is full when its lease is renewed, after 10 s, and when the answer to its second call comes. */
async function fillInMidDigest(agent: Deployment, fill: string): Promise<{ code: number; logs: string }> {
  await agent.configure(digestConfig());
  await agent.fillInbox(ITEMS);
  await behave(agent.model.inModel, { next: [{ type: "reply" }, { type: "slow", everyMs: 1_800 }] });
  const worker = await agent.start(["tick"]);
  await calledTimes(agent, 2);
  await agent.sh(fill);
  return { code: await worker.ended(), logs: await worker.logs() };
}

async function expectDoneWithRoom(agent: Deployment, expect: ExpectStatic): Promise<void> {
  await agent.sh(MAKE_ROOM);
  await agent.start(["run"]);
  await digestIsThere(agent);
  const { names, text } = await digestsOf(agent);
  expect(names).toHaveLength(1);
  expect(itemsNotOnce(text, ITEMS)).toEqual({});
}

function firstLine(text: string): string {
  return text.trim().split("\n")[0] ?? "";
}

/** What doctor says of the state. */
function worstLine(text: string): string {
  return (
    text
      .split("\n")
      .find((line) => line.includes("/data"))
      ?.trim() ?? firstLine(text)
  );
}
