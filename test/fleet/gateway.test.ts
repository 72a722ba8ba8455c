// @module-tag processes
// @module-tag slow
import { cpSync, rmSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { startModelEndpoint } from "../../src/faults/model-endpoint.ts";
import type { MachineStatus } from "../../src/ops/fleet.ts";
import type { Status } from "../../src/ops/status.ts";
import type { StopReport } from "../../src/ops/stop-agent.ts";
import { type Deployment, deployment } from "../support/afk.ts";
import { ask as askGateway, gatewayConfig, startGateway } from "../support/gateway-process.ts";
import { postgresProblem } from "../support/postgres/binaries.ts";
import { freshDatabase } from "../support/postgres/shared.ts";
import { until } from "../support/postgres/until.ts";
import { direct } from "./support/audit.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;

describe.skipIf(problem !== null)(
  `a gateway that is alone in a fleet${skipped}`,
  { timeout: 120_000 },
  () => {
    test("is among the machines and no worker, is stopped by name, and ends in order", async () => {
      const { one, two, gateway, ask } = await scene();
      expect((await ask()).status).toBe(200);
      const [row, ...others] = await machines(two);
      expect(others).toEqual([]);
      expect(row).toMatchObject({ part: "gateway", lease: { state: "live" }, jobs: [], calls: 0 });
      const seen = JSON.parse((await two.target.afk(["status", "--json"], two.environment)).stdout) as Status;
      expect(seen.gateway?.state).toBe("working");
      expect(seen.worker.state).toBe("none");
      expect(seen.findings.map(({ code }) => code)).not.toContain("gateway_down");

      const { stdout } = await two.target.afk(["stop", "--json"], two.environment);
      const { machines: reached } = JSON.parse(stdout) as StopReport;
      expect(reached).toMatchObject([{ part: "gateway", id: row?.id, state: "seen" }]);
      expect((await ask()).status).not.toBe(200);
      await two.target.afk(["resume"], two.environment);
      await until("it serves again", async () => (await ask()).status === 200);

      gateway.kill("SIGTERM");
      expect((await gateway.ended).code).toBe(0);
      expect((await machines(one))[0]?.lease.state).toBe("ended");
      const after = await two.target.afk(["status", "--json"], two.environment);
      expect((JSON.parse(after.stdout) as Status).findings.map(({ code }) => code)).toContain("gateway_down");
    });

    test("is named as not having seen the switch while it is suspended", async () => {
      const { two, gateway } = await scene();
      gateway.kill("SIGSTOP");
      const { code, stdout } = await two.target.afk(["stop"], two.environment);
      expect(stdout).toMatch(/^NOT seen by the gateway of /m);
      expect(code).toBe(75);
      gateway.kill("SIGCONT");
    });

    test("that was taken for lost is there again, and serves on", async () => {
      const { two, ask, query } = await scene();
      await query("update machines set lost_at = 1, lease_until = 1");
      await until("it is there again", async () => (await machines(two))[0]?.lease.state === "live");
      expect((await ask()).status).toBe(200);
    });

    test("of a copied folder is refused before it takes anybody's calls for lost", async () => {
      const { one, two, provider, ask, query } = await scene();
      const answer = Promise.withResolvers<void>();
      provider.script([{ type: "reply", gate: () => answer.promise }]);
      const asked = ask("another text");
      await until(
        "it is under way",
        async () => (await query("select id from ledger where state = 'sending'")).length === 1,
      );
      rmSync(two.target.state, { recursive: true, force: true });
      cpSync(one.target.state, two.target.state, {
        recursive: true,
        filter: (path) => !/lock/.test(path),
      });
      // Of this system's processes it would know that the first is there; a copy is on another one.
      await query("update machines set boot_id = 'another'");
      const copy = two.target.start(["gateway"], two.environment);
      expect((await copy.ended).code).toBe(78);
      answer.resolve();
      expect((await asked).status).toBe(200);
      const states = async () => (await query("select state from ledger")).map(({ state }) => state);
      await until("it is settled", async () => (await states())[0] !== "sending");
      expect(await states()).toEqual(["settled"]);
    });
  },
);

interface Member {
  target: Deployment;
  environment: Record<string, string>;
}

/** Two machines with the same afk.yaml; on the first a gateway serves. */
async function scene() {
  const provider = await startModelEndpoint("openai");
  onTestFinished(() => provider.close());
  const url = await freshDatabase();
  const member = (): Member => ({
    target: deployment(gatewayConfig(provider)),
    environment: { DATABASE_URL: url },
  });
  const [one, two] = [member(), member()];
  const { running: gateway, url: at } = await startGateway(one.target, ["gateway"], one.environment);
  // No two are alike, which the breaker would take for a loop.
  const ask = (text = "hi") => askGateway(at, { text: `${text} ${Math.random()}` });
  const query = (statement: string) =>
    direct<{ state?: string }>({ url, schema: "afk_test_agent" }, [statement]);
  return { one, two, gateway, provider, ask, query };
}

async function machines({ target, environment }: Member): Promise<MachineStatus[]> {
  const { stdout } = await target.afk(["machines", "--json"], environment);
  return (JSON.parse(stdout) as { machines: MachineStatus[] }).machines;
}
