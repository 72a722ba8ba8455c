import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** What a terminal was sent, and when, in seconds from the start. */
export interface Chunk {
  at: number;
  text: string;
}

/** A row of the screen as it stood for a while; the last state of a row stands until the end. */
interface State {
  row: number;
  text: string;
  from: number;
  to: number | null;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal is told begins with one.
const PIECES = /\r\n|\r|\u001b\[2K|[^\r\u001b]+|\u001b\[\d*m/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the same.
const STYLES = /\u001b\[(\d*)m|([^\u001b]+)/g;
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const COLUMNS = 80;
const CELL = { width: 8.4, height: 18 };
const MARGIN = 16;
/** The end is shown so long before it begins again. */
const REST_S = 6;
/** A row that changes more often than a person can read is shown at these steps. */
const STEP_S = 0.35;
const COLOURS: Record<string, string> = {
  "1": "font-weight:bold",
  "2": "fill:#8b949e",
  "31": "fill:#ff7b72",
  "32": "fill:#7ee787",
  "33": "fill:#e3b341",
};

/**
 * A recording of a terminal as an SVG that plays by itself, without script: a text for each state of a row, shown from its
 * time to the next one's. Where nothing moves (or a reader wants no motion) it is the last screen.
 */
export function svgOf(command: string, chunks: readonly Chunk[]): string {
  const states = statesOf([{ at: 0, text: `\u001b[2m$\u001b[22m ${command}\r\n` }, ...chunks]);
  const seconds = (chunks.at(-1)?.at ?? 0) + REST_S;
  const rows = Math.max(...states.map(({ row }) => row)) + 1;
  const [width, height] = [COLUMNS * CELL.width + 2 * MARGIN, rows * CELL.height + 2 * MARGIN];
  const percent = (at: number) => `${((100 * at) / seconds).toFixed(1)}%`;
  const rules: string[] = [];
  const texts = states.map(({ row, text, from, to }, index) => {
    const gone = to === null ? "" : `${percent(to)}{opacity:0}`;
    rules.push(`@keyframes k${index}{0%{opacity:0}${percent(from)}{opacity:1}${gone}}`);
    rules.push(`#t${index}{animation-name:k${index}}`);
    const isLast = to === null ? "" : ' class="f"';
    const y = MARGIN + (row + 0.75) * CELL.height;
    return `<text id="t${index}"${isLast} x="${MARGIN}" y="${y}">${spansOf(text)}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="A recording of ${escapeXml(command)}">`,
    "<style>",
    "text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#e6edf3;white-space:pre;",
    `animation:${seconds.toFixed(1)}s step-end infinite}.f{opacity:0}`,
    "@media (prefers-reduced-motion:reduce){text{animation:none!important}}",
    ...rules,
    "</style>",
    `<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>`,
    ...texts,
    "</svg>",
    "",
  ].join("\n");
}

/** Follows carriage returns, line feeds and the clearing of a line; colours stay in the text. */
function statesOf(chunks: readonly Chunk[]): State[] {
  const states: State[] = [];
  const shown = new Map<number, State>();
  let [row, line] = [0, ""];
  const show = (at: number) => {
    const before = shown.get(row);
    if (line === "" || before?.text === line) return;
    if (before !== undefined && at - before.from < STEP_S) {
      before.text = line;
      return;
    }
    if (before !== undefined) before.to = at;
    const state: State = { row, text: line, from: at, to: null };
    shown.set(row, state);
    states.push(state);
  };
  for (const { at, text } of chunks) {
    for (const [piece] of text.matchAll(PIECES)) {
      if (piece === "\r\n") {
        show(at);
        row += 1;
        line = "";
      } else if (piece === "\r") show(at);
      else if (piece === "\u001b[2K") line = "";
      else line += piece;
    }
    show(at);
  }
  return states;
}

/** Pieces of one style each. */
function spansOf(text: string): string {
  let style = "";
  return [...text.matchAll(STYLES)]
    .map(([, code, words]) => {
      if (code !== undefined) style = COLOURS[code] ?? "";
      if (words === undefined) return "";
      return style === "" ? escapeXml(words) : `<tspan style="${style}">${escapeXml(words)}</tspan>`;
    })
    .join("");
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

/** Runs the command on a terminal of its own, by `script` of util-linux. */
async function record(command: string): Promise<Chunk[]> {
  const startedMs = performance.now();
  const chunks: Chunk[] = [];
  const quiet = {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, TERM: "xterm", NO_COLOR: "" },
  };
  const child = spawn("script", ["-qec", `stty cols ${COLUMNS}; ${command}`, "/dev/null"], quiet as object);
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    chunks.push({ at: (performance.now() - startedMs) / 1_000, text });
  });
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`${command} ended with ${code}`);
  return chunks;
}

if (import.meta.main) {
  const file = process.argv[2] ?? `${ROOT}docs/demo.svg`;
  const chunks = await record(`${process.execPath} ${ROOT}bin/afk.js demo`);
  writeFileSync(file, svgOf("npx afk demo", chunks));
}
