import { setTimeout as wait } from "node:timers/promises";
import type { Benchmark, Row, Tools } from "../harness/benchmark.ts";
import { fillLedger } from "../harness/fill.ts";
import type { Load, LoadResult } from "../harness/gateway/load.ts";
import {
  ask,
  holdStreams,
  type Side,
  startGateway,
  startPeer,
  startRelay,
  startUpstream,
} from "../harness/gateway/servers.ts";
import { processFigures } from "../harness/proc.ts";
import { filledDatabase } from "../harness/raw.ts";
import { type Spread, spreadOf } from "../harness/statistics.ts";

const ROUNDS = 3;

/**
 * What stands between a client and a provider that answers at once. Client, server and provider are processes of their own,
 * and all of them share the machine's processors. Each kind of load is put on all sides in turn, round by round.
 */
export const gateway: Benchmark = {
  name: "gateway",
  question:
    "What does the gateway add to a request, with a durable reservation and settlement, and how many does it take?",
  async run(tools) {
    const upstream = await startUpstream(tools);
    const relay = await startRelay(tools, upstream);
    const own = await startGateway(tools, upstream);
    const peer = await startPeer(tools, upstream);
    const sides = { upstream, relay, own, peer };
    return [
      ...(await latencyRows(tools, sides, 2_000)),
      ...(await latencyRows(tools, sides, 86_000)),
      await firstByteRow(tools, sides),
      ...(await throughputRows(tools, sides, 16, 1_800)),
      ...(await throughputRows(tools, sides, 64, 2_500)),
      ...(await longStreamRows(tools, sides)),
      ...(await memoryRows(tools, sides)),
      await ledgerRow(tools, upstream),
    ];
  },
};

interface Sides {
  upstream: Side;
  relay: Side;
  own: Side;
  peer: Side | null;
}

type Results = Record<keyof Sides, LoadResult[]>;

/** The same load on every side, in turn. */
async function inTurns(tools: Tools, sides: Sides, load: Partial<Load>): Promise<Results> {
  const results: Results = { upstream: [], relay: [], own: [], peer: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of ["upstream", "relay", "own", "peer"] as const) {
      const side = sides[name];
      if (side !== null) results[name].push(await ask(tools, side, load));
    }
    tools.calibrate();
  }
  return results;
}

/** What a side adds to the direct way, of each round. */
function added(results: Results, side: keyof Sides, of: "p50Us" | "firstUs" = "p50Us"): Spread {
  return spreadOf(results[side].map((result, n) => result[of] - (results.upstream[n]?.[of] ?? Number.NaN)));
}

async function latencyRows(tools: Tools, sides: Sides, bodyBytes: number): Promise<Row[]> {
  tools.say(`latency with ${bodyBytes} bytes`);
  const results = await inTurns(tools, sides, { bodyBytes });
  const own = added(results, "own");
  const what = `1 client, bodies of ${bodyBytes / 1_000} kB`;
  const relay = ms(added(results, "relay").median);
  const p99 = spreadOf(results.own.map(({ p99Us }) => p99Us)).median;
  return [
    {
      subject: `${what}: what the gateway adds to the median`,
      baseline: "the direct way",
      result: figure(own, `${quartiles(own)}; a bare relay adds ${relay}; p99 of all ${ms(p99)}`),
      goal: { atMost: 0.9 },
    },
    peerRow(results, `${what}: the same by what Portkey adds`, own),
  ];
}

function peerRow(results: Results, subject: string, own: Spread): Row {
  const baseline = "@portkey-ai/gateway 1.15.2, no caps and no books";
  const goal = { atMost: 0.5 };
  if (results.peer.length === 0)
    return { subject, baseline, result: { type: "not_run", reason: "not installed", unit: "x" }, goal };
  const peer = added(results, "peer");
  const ratio = spreadOf([own.median / peer.median]);
  const sides = `${ms(own.median)} against ${ms(peer.median)}`;
  return { subject, baseline, result: { type: "ratio", ratio, sides }, goal };
}

async function firstByteRow(tools: Tools, sides: Sides): Promise<Row> {
  tools.say("first byte of a stream");
  // The peer fails at streams on this version of Node.
  const results = await inTurns(tools, { ...sides, peer: null }, { chunks: 20 });
  const above = spreadOf(
    results.own.map(({ firstUs }, n) => firstUs - (results.relay[n]?.firstUs ?? Number.NaN)),
  );
  return {
    subject: "1 client, the first byte of a stream: what the gateway adds to the median",
    baseline: "a bare relay",
    result: figure(above, quartiles(above)),
    goal: { atMost: 0.6 },
  };
}

async function throughputRows(tools: Tools, sides: Sides, clients: number, atLeast: number): Promise<Row[]> {
  tools.say(`${clients} clients`);
  const results = await inTurns(tools, sides, { clients });
  const rate = (name: keyof Sides) => spreadOf(results[name].map(({ perSecond }) => perSecond));
  const own = rate("own");
  const others = `the direct way ${perSecond(rate("upstream"))}, a bare relay ${perSecond(rate("relay"))}${
    results.peer.length === 0 ? "" : `, Portkey ${perSecond(rate("peer"))}`
  }`;
  const addedMs = added(results, "own");
  return [
    {
      subject: `${clients} clients: requests a second`,
      baseline: null,
      result: { type: "figure", value: own.median, unit: "/s", note: others },
      goal: { atLeast },
    },
    {
      subject: `${clients} clients: what the gateway adds to the median`,
      baseline: "the direct way",
      result: figure(addedMs, quartiles(addedMs)),
      goal: clients === 16 ? { atMost: 6 } : null,
    },
  ];
}

const CHUNKS = 100_000;

async function longStreamRows(tools: Tools, { relay, own }: Sides): Promise<Row[]> {
  tools.say(`a stream of ${CHUNKS} chunks`);
  const cpuMs: Record<"relay" | "own", number[]> = { relay: [], own: [] };
  let grownMegabytes = 0;
  const once = { chunks: CHUNKS, warmUpSeconds: 0, requestsMax: 1, seconds: 120 };
  // Once unmeasured.
  for (const side of [relay, own]) await ask(tools, side, once);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, side] of [["relay", relay] as const, ["own", own] as const]) {
      const before = processFigures(side.pid);
      await ask(tools, side, once);
      const after = processFigures(side.pid);
      if (before === null || after === null) return notOnLinux();
      cpuMs[name].push(after.cpuMs - before.cpuMs);
      if (name === "own")
        grownMegabytes = Math.max(grownMegabytes, after.residentMegabytes - before.residentMegabytes);
    }
  }
  const ratio = spreadOf(cpuMs.own.map((taken, n) => taken / (cpuMs.relay[n] ?? Number.NaN)));
  const [took, against] = [spreadOf(cpuMs.own).median, spreadOf(cpuMs.relay).median];
  return [
    {
      subject: "a stream of 100,000 chunks: processor time",
      baseline: "a bare relay",
      result: { type: "ratio", ratio, sides: `${took.toFixed(0)} ms against ${against.toFixed(0)} ms` },
      goal: { atMost: 1.3 },
    },
    {
      subject: "a stream of 100,000 chunks (24 MB): memory that it leaves behind at most",
      baseline: null,
      result: { type: "figure", value: grownMegabytes, unit: "MB", note: "resident, after against before" },
      goal: null,
    },
  ];
}

function notOnLinux(): Row[] {
  return [
    {
      subject: "a stream of 100,000 chunks: processor time",
      baseline: "a bare relay",
      result: { type: "not_run", reason: "only Linux tells it", unit: "x" },
      goal: { atMost: 1.3 },
    },
  ];
}

const STREAMS = 1_000;
/** Under `breaker.calls_per_minute`, which is 100,000 at most. */
const PACE = { clients: 16, seconds: 600, warmUpSeconds: 0 };

async function memoryRows(tools: Tools, { upstream, relay }: Sides): Promise<Row[]> {
  const half = tools.isFull ? 50_000 : 10_000;
  tools.say(`memory after ${half} and ${2 * half} requests`);
  const own = await startGateway(tools, upstream);
  const resident = (side: Side) => processFigures(side.pid)?.residentMegabytes ?? Number.NaN;
  const idle = resident(own);
  await ask(tools, own, { ...PACE, requestsMax: half });
  const first = resident(own);
  await ask(tools, own, { ...PACE, requestsMax: half });
  const second = resident(own);
  const streams = async (side: Side) => {
    const before = resident(side);
    const release = await holdStreams(tools, side, STREAMS);
    await wait(500);
    const held = resident(side) - before;
    await release();
    return held;
  };
  const [ownStreams, relayStreams] = [await streams(own), await streams(relay)];
  const note = `resident; ${idle.toFixed(0)} MB idle, ${second.toFixed(0)} MB after ${2 * half}`;
  return [
    {
      subject: `memory after ${2 * half} requests`,
      baseline: `the same process after ${half}`,
      result: {
        type: "ratio",
        ratio: spreadOf([second / first]),
        sides: `${second.toFixed(0)} MB against ${first.toFixed(0)} MB, ${idle.toFixed(0)} MB idle`,
      },
      goal: { atMost: 1.1 },
    },
    {
      subject: `memory that ${STREAMS} open streams take`,
      baseline: null,
      result: {
        type: "figure",
        value: ownStreams,
        unit: "MB",
        note: `${note}; a bare relay takes ${relayStreams.toFixed(0)} MB for them`,
      },
      goal: null,
    },
  ];
}

async function ledgerRow(tools: Tools, upstream: Side): Promise<Row> {
  const [few, many] = [10_000, tools.isFull ? 10_000_000 : 1_000_000];
  tools.say(`a ledger of ${many} entries`);
  const filled = (count: number) =>
    startGateway(tools, upstream, (path) => filledDatabase(path, (database) => fillLedger(database, count)));
  const [small, large] = [await filled(few), await filled(many)];
  const p50Us: Record<"small" | "large", number[]> = { small: [], large: [] };
  for (let round = 0; round < ROUNDS; round++) {
    p50Us.small.push((await ask(tools, small, {})).p50Us);
    p50Us.large.push((await ask(tools, large, {})).p50Us);
    tools.calibrate();
  }
  const ratio = spreadOf(p50Us.large.map((us, n) => us / (p50Us.small[n] ?? Number.NaN)));
  const [took, against] = [spreadOf(p50Us.large).median, spreadOf(p50Us.small).median];
  return {
    subject: `1 client, a ledger of ${many.toLocaleString("en")} entries`,
    baseline: "a ledger of 10,000",
    result: { type: "ratio", ratio, sides: `${ms(took)} against ${ms(against)}` },
    goal: { atMost: 1.1 },
  };
}

function figure(us: Spread, note: string): Row["result"] {
  return { type: "figure", value: us.median / 1_000, unit: "ms", note };
}

function quartiles({ q1, q3, count }: Spread): string {
  return `${ms(q1)} to ${ms(q3)}, n=${count}`;
}

function ms(us: number): string {
  return `${(us / 1_000).toFixed(2)} ms`;
}

function perSecond({ median }: Spread): string {
  return `${median.toFixed(0)}/s`;
}
