/**
 * Makes a value when it is asked for, and keeps it only while somebody uses it: what is made within one piece of
 * synchronous work is the same, and a moment later the memory is free. For what is large and seldom needed.
 */
export function whileUsed<T extends object>(make: () => T): () => T {
  let last: WeakRef<T> | null = null;
  return () => {
    const used = last?.deref();
    if (used !== undefined) return used;
    const made = make();
    last = new WeakRef(made);
    return made;
  };
}
