/** What is said about notes, in one language. Titles and texts come as they may stand in Markdown. */
export interface NotesWords {
  /** There are none, and how to make one. */
  none: string;
  /** None was found by these words. */
  noneFound: string;
  /** Before a list. */
  yours: string;
  more: string;
  /** `similar`: titles that may have been meant. */
  missing(similar: readonly string[]): string;
  /** Before a button that deletes. */
  sure(title: string): string;
  forget: string;
  forgotten(title: string): string;
  gone: string;
  /** How /forget is used. */
  whichOne: string;
  onlyDirect: string;
  off: string;
}
