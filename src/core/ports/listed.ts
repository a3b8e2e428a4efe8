/** Which page of a list. */
export interface ListOptions {
  limit: number;
  /** Opaque, from the page before. */
  cursor?: string;
}

export interface Listed<T> {
  items: T[];
  nextCursor: string | null;
}
