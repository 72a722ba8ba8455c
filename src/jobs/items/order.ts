/** The dates that a source's own order gives to what has none: that of the one before it, or of the first that has one. */
export function effectiveDates<T>(
  list: readonly T[],
  dateOf: (one: T) => number | null,
): readonly (number | null)[] {
  const dates = list.map(dateOf);
  let latest = dates.find((date) => date !== null) ?? null;
  return dates.map((date) => {
    latest = date ?? latest;
    return latest;
  });
}

/** The newest date of all that have one, in epoch milliseconds; null where none has. */
export function newestOf(list: readonly { publishedAt: number | null }[]): number | null {
  return list.reduce<number | null>((newest, { publishedAt }) => {
    return publishedAt === null ? newest : Math.max(newest ?? publishedAt, publishedAt);
  }, null);
}

/**
 * Newest first. Sources list what is new first, or last, and not by chance: their order breaks ties and stands in for missing
 * dates, so that a feed without any stays as it is.
 */
export function newestFirst<T>(list: readonly T[], dateOf: (one: T) => number | null): T[] {
  const dates = effectiveDates(list, dateOf);
  return list
    .map((one, index) => ({ one, date: dates[index] ?? Number.NEGATIVE_INFINITY }))
    .toSorted((a, b) => (a.date === b.date ? 0 : b.date - a.date))
    .map(({ one }) => one);
}
