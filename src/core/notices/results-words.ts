/** What is said about results of jobs and tasks, in one language. Markdown; names come escaped. */
export interface ResultWords {
  /** Before what comes late: when it was due, on the clock of the person. */
  wasDue(at: string): string;
  /** Below what had files that cannot be sent where it goes. */
  withoutFiles(names: readonly string[]): string;
  /** A task failed for good. `reason`: a sentence. */
  failed(name: string, reason: string): string;
}
