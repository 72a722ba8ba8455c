/** What a simulation may let go wrong, and what each means. */
export const FAULTS = {
  sources: "feeds, repositories and robots.txt fail, hang, move, or send garbage",
  models: "models refuse, fail, hang, answer slowly, break off, say no usage, or bill above the bound",
  channels: "the services that alerts and pings go to, and those that drafts act on, fail or hang",
  kills: "the worker is killed (SIGKILL) between any two durable steps",
  stops: "somebody sets the kill switch, in the database or as a STOP file",
  reboots: "the machine restarts, or is off for hours or days",
  clock: "the wall clock is stepped, by up to 400 days, and set right again later",
  disk: "the disk is full for some hours",
  config:
    "afk.yaml is broken for some hours: an unknown key, a cap that is no number, a model without a price",
  caps: "the person changes the daily cap",
} as const;

/** A kind of fault. */
export type FaultName = keyof typeof FAULTS;

/** Every kind of fault, in the order of the documentation. */
export const FAULT_NAMES = Object.keys(FAULTS) as FaultName[];
