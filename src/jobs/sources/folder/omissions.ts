const NOTES_MAX = 20;

/** What is to be said of a source's parts that were left out; few, however many there are. */
export interface Omissions {
  add(note: string): void;
  list(): string[];
}

/** Begins to collect notes. */
export function createOmissions(): Omissions {
  const notes: string[] = [];
  let more = 0;
  return {
    add(note) {
      if (notes.length < NOTES_MAX) notes.push(note);
      else more++;
    },
    list: () => (more === 0 ? notes : [...notes, `and ${more} more`]),
  };
}
