import type { Path } from './tree.ts';

/** Something wrong with the value at a path. The loader adds where it stands. */
export interface Problem {
  path: Path;
  message: string;
  /** Where it stands when that is another file than the configuration's. */
  place?: { file: string; line: number };
}
