/** Puts `value` in the place of a member that other code finds by its name, in this thread. */
export function replace<Target extends object>(target: Target, name: keyof Target, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: true });
}
