/** The first call makes the value, every later one gets the same. For what not every process comes to need. */
export function once<T>(make: () => T): () => T {
  let made: { value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}
