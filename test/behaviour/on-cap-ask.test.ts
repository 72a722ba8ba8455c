// @module-tag processes
import { expect, it } from "vitest";
import { afk, tick } from "../cli/commands/in-process.ts";
import { PROCESSES } from "../support/afk.ts";
import { gatewayJob } from "../support/gateway-job.ts";

it(
  "ends a program whose request met its job's cap, asks, and goes on after afk questions yes without buying again",
  PROCESSES,
  async () => {
    const job = { caps: { daily_calls: 2 }, on_cap: "ask" };
    const { target, asked, seen } = await gatewayJob(["one", "two", "three"], { job });
    expect(await tick(target)).toMatchObject({ outcome: "halted" });
    expect(asked()).toEqual(["one", "two"]);
    expect(target.query("select state, attempts from jobs")).toEqual([{ state: "ready", attempts: 0 }]);

    const list = await afk(target, "questions");
    expect(list.stdout).toMatch(/open +cap +script/);
    const [question] = JSON.parse((await afk(target, "questions", "--json")).stdout) as { id: string }[];
    const id = question?.id.slice(-8) ?? "";
    expect(await afk(target, "questions", "yes", id)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^Yes: the run script@.+ may use up to 2 calls more; the agent's caps hold\.\n$/,
      ),
    });
    expect(await afk(target, "questions", "yes", id)).toMatchObject({ code: 1 });
    expect((await afk(target, "questions")).stdout).toBe("nothing waits for your answer\n");

    expect(await tick(target)).toMatchObject({ outcome: "ok" });
    expect(asked()).toEqual(["one", "two", "three"]);
    expect(seen().filter(({ replayed }) => replayed !== null)).toHaveLength(2);
    expect((await afk(target, "jobs", "show", "script")).stdout).toMatch(
      /granted +2 calls more than the day cap of its job/,
    );
  },
);
