/** Keeps the beginning and the end of what comes, at most `maxBytes` together: an error is often said at the end. */
export class BoundedOutput {
  readonly #half: number;
  #head = Buffer.alloc(0);
  #tail = Buffer.alloc(0);
  #left = 0;

  constructor(maxBytes: number) {
    this.#half = Math.floor(maxBytes / 2);
  }

  push(chunk: Buffer): void {
    const forHead = chunk.subarray(0, Math.max(0, this.#half - this.#head.length));
    if (forHead.length > 0) this.#head = Buffer.concat([this.#head, forHead]);
    const rest = chunk.subarray(forHead.length);
    if (rest.length === 0) return;
    const tail = Buffer.concat([this.#tail, rest.subarray(-this.#half)]);
    this.#left += rest.length - Math.min(rest.length, this.#half) + Math.max(0, tail.length - this.#half);
    this.#tail = Buffer.from(tail.subarray(-this.#half));
  }

  /** As text; bytes that are none are shown as such. */
  text(): string {
    const between = this.#left === 0 ? '' : `\n[… ${this.#left} bytes are left out here …]\n`;
    return this.#left === 0
      ? Buffer.concat([this.#head, this.#tail]).toString()
      : this.#head.toString() + between + this.#tail.toString();
  }
}
