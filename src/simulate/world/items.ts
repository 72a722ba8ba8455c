import type { SeededRandom } from "../../faults/seeded-random.ts";
import { HOUR_MS } from "../../lib/durations.ts";

/** One thing that a source tells of. Its title occurs nowhere else, so that a digest can be searched for it. */
export interface SimulatedItem {
  title: string;
  link: string;
  text: string;
  publishedMs: number;
}

const FIRST_ITEMS = 3;
const WORDS = "harbour bridge ticket schedule repair meeting budget garden library tender winter ferry".split(
  " ",
);

/** Items that come hour by hour, some sources loud and some quiet. Gives what a source has had to tell so far, the newest last. */
export function createStream(
  name: string,
  random: SeededRandom,
  startMs: number,
): (trueMs: number) => readonly SimulatedItem[] {
  const items: SimulatedItem[] = [];
  const share = random.of([0.05, 0.15, 0.4]);
  let hourMs = startMs - FIRST_ITEMS * HOUR_MS;
  const add = () => {
    const title = `Item ${name}n${items.length + 1}`;
    const words = Array.from({ length: random.between(30, 90) }, () => WORDS[random.below(WORDS.length)]);
    const link = `https://items.example/${name}/${items.length + 1}`;
    items.push({ title, link, text: `${words.join(" ")}.`, publishedMs: hourMs });
  };
  return (trueMs) => {
    for (; hourMs <= trueMs; hourMs += HOUR_MS) {
      if (items.length < FIRST_ITEMS) add();
      else if (random.chance(share)) for (let count = random.between(1, 3); count > 0; count--) add();
    }
    return items;
  };
}
