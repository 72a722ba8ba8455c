/** An event as its file has it: the lines of the properties that are read, unfolded. */
export interface EventBlock {
  lines: string[];
  /** One that comes again (RRULE, RDATE). */
  isRecurring: boolean;
  /** The first date of DTSTART, and of DTEND or DTSTART, `20261121`; empty where there is none. */
  firstDay: string;
  lastDay: string;
}

/** What is read of an ICS file (RFC 5545). */
export interface IcsBlocks {
  /** What the calendar calls itself. */
  name: string | null;
  events: EventBlock[];
  /** Time zones that it defines, by their TZID: the lines of a VTIMEZONE. */
  zones: Map<string, string[]>;
  /** Events that are too many or too large to be read. */
  leftOut: number;
  /** Whether it is a calendar at all, and has its end. */
  isCalendar: boolean;
  isWhole: boolean;
}

/** Events of one file: twenty years of a full calendar. */
const EVENTS_MAX = 50_000;
const ZONES_MAX = 200;
/** Of one event or zone, without what is not read of it. */
const BLOCK_CHARS_MAX = 64 * 1024;
/** Of one property: a description of a few pages. */
const LINE_CHARS_MAX = 16 * 1024;

const READ_PROPERTIES =
  /^(?:UID|DTSTART|DTEND|DURATION|RRULE|RDATE|EXDATE|RECURRENCE-ID|SUMMARY|LOCATION|DESCRIPTION|STATUS|SEQUENCE)[;:]/i;
const PROPERTY = /^[A-Za-z0-9-]+[;:]/;

/**
 * Parts a file into its events and zones, line by line, so that one that cannot be read, or is too large, leaves the others. Lines
 * that are no properties, alarms and all that is not read are dropped here, before a parser sees them.
 */
export function splitIcs(text: string): IcsBlocks {
  const blocks: IcsBlocks = {
    name: null,
    events: [],
    zones: new Map(),
    leftOut: 0,
    isCalendar: false,
    isWhole: false,
  };
  let block: { type: "event" | "zone"; lines: string[]; chars: number } | null = null;
  /** Depth of components within the one that is read. */
  let within = 0;
  for (const line of unfoldedLines(text)) {
    const [, mark = "", component = ""] = /^(BEGIN|END):([\w-]{1,40})\s*$/i.exec(line) ?? [];
    const isBegin = mark.toUpperCase() === "BEGIN";
    const name = component.toUpperCase();
    if (name === "VCALENDAR") {
      blocks.isCalendar ||= isBegin;
      blocks.isWhole ||= !isBegin;
    } else if (block === null) {
      if (isBegin && name === "VEVENT") block = { type: "event", lines: [], chars: 0 };
      else if (isBegin && name === "VTIMEZONE") block = { type: "zone", lines: [], chars: 0 };
      else if (mark === "") blocks.name ??= /^X-WR-CALNAME(?:;[^:]*)?:(.*)$/i.exec(line)?.[1]?.trim() ?? null;
    } else if (mark !== "" && !isBegin && within === 0) {
      if (block.chars > BLOCK_CHARS_MAX) blocks.leftOut++;
      else if (block.type === "event") addEvent(blocks, block.lines);
      else addZone(blocks, block.lines);
      block = null;
    } else {
      if (mark !== "") within += isBegin ? 1 : -1;
      const isRead = block.type === "zone" ? PROPERTY.test(line) : within === 0 && READ_PROPERTIES.test(line);
      if (!isRead) continue;
      block.chars += Math.min(line.length, LINE_CHARS_MAX);
      if (block.chars <= BLOCK_CHARS_MAX) block.lines.push(line.slice(0, LINE_CHARS_MAX));
    }
  }
  return blocks;
}

/** A line that begins with a space goes on the one before (RFC 5545, section 3.1). */
function* unfoldedLines(text: string): Generator<string> {
  for (const line of text.replace(/\r?\n[ \t]/g, "").split(/\r?\n|\r/)) yield line;
}

function addEvent(blocks: IcsBlocks, lines: string[]): void {
  if (blocks.events.length >= EVENTS_MAX) {
    blocks.leftOut++;
    return;
  }
  const dateOf = (name: string) => {
    const line = lines.find((each) => each.slice(0, name.length).toUpperCase() === name);
    return /:(\d{8})/.exec(line ?? "")?.[1] ?? "";
  };
  const firstDay = dateOf("DTSTART");
  const hasDuration = lines.some((line) => /^DURATION[;:]/i.test(line));
  blocks.events.push({
    lines,
    isRecurring: lines.some((line) => /^R(?:RULE|DATE)[;:]/i.test(line)),
    firstDay,
    lastDay: hasDuration ? "" : dateOf("DTEND") || firstDay,
  });
}

function addZone(blocks: IcsBlocks, lines: string[]): void {
  const id = lines.map((line) => /^TZID(?:;[^:]*)?:(.*)$/i.exec(line)?.[1]?.trim()).find(Boolean);
  if (id !== undefined && blocks.zones.size < ZONES_MAX) blocks.zones.set(id, lines);
}
