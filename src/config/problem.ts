import type { Path } from './tree.ts';

/** Something wrong with the value at a path. The loader adds where it stands. */
export interface Problem {
  path: Path;
  message: string;
}
