/** A terminal that is drawn in place. Disposing of it shows again what was there before. */
interface Screen extends Disposable {
  /** Shows these lines, which are no wider than the terminal, from the top; the last says how many do not fit. */
  draw(lines: readonly string[]): void;
}

/* ECMA-48, and xterm's private modes: 1049 is the alternate screen, 25 the cursor, 2026 an update shown as a whole. */
const ENTER = "\u001b[?1049h\u001b[?25l\u001b[2J";
const LEAVE = "\u001b[?2026l\u001b[?25h\u001b[?1049l";
const FRAME = { start: "\u001b[?2026h\u001b[H", lineEnd: "\u001b[K", rest: "\u001b[J", end: "\u001b[?2026l" };

/**
 * Takes the terminal over. It is given back when the screen is disposed of, when the process ends in any way but SIGKILL,
 * and while the process is suspended (Ctrl-Z). `redraw` is called when the terminal has changed its size or come back.
 */
export function openScreen(terminal: NodeJS.WriteStream, redraw: () => void): Screen {
  const leave = () => void terminal.write(LEAVE);
  const suspend = () => {
    leave();
    process.kill(process.pid, "SIGSTOP");
  };
  const comeBack = () => {
    terminal.write(ENTER);
    redraw();
  };
  terminal.write(ENTER);
  process.on("exit", leave).on("SIGTSTP", suspend).on("SIGCONT", comeBack);
  terminal.on("resize", redraw);
  return {
    draw(lines) {
      // Lines overwrite what they change and nothing is cleared before, so nothing flickers.
      const text = fitRows(lines, terminal.rows)
        .map((line) => `${line}${FRAME.lineEnd}`)
        .join("\r\n");
      terminal.write(`${FRAME.start}${text}${FRAME.rest}${FRAME.end}`);
    },
    [Symbol.dispose]() {
      process.removeListener("exit", leave);
      process.removeListener("SIGTSTP", suspend).removeListener("SIGCONT", comeBack);
      terminal.removeListener("resize", redraw);
      leave();
    },
  };
}

/** @returns at most `rows` lines; the last of them says how many are missing. */
export function fitRows(lines: readonly string[], rows: number): readonly string[] {
  // A terminal that does not know its size says 0.
  if (!(rows > 0) || lines.length <= rows) return lines;
  return [...lines.slice(0, rows - 1), `… ${lines.length - rows + 1} more lines`];
}
