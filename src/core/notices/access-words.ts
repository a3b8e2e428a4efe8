/** What is said about who somebody is and who may come in, in one language. */
export interface AccessWords {
  notForYou: string;
  /** Before the list of a person's other identities. */
  alsoYou: string;
  /** To a stranger; `approve` is what the owner types in a chat, `command` in a terminal. Plain text. */
  ask(of: { code: string; approve: string; command: string }): string;
  /** To an owner, about a stranger. Plain text. */
  knock(who: string): string;
  letIn: string;
  reject: string;
  /** To who was let in. Plain text. */
  welcome: string;
  /** To who asked for a code that somebody sent. Plain text. */
  becameYou(who: string): string;
  /** With a code for one's other chat; `send` is what to send there. */
  offer(send: string): string;
  linked: string;
  wrongCode: string;
  ownCode: string;
  outranked: string;
  cannotLetIn: string;
  tooManyAttempts: string;
  codeForm: string;
  onlyDirect: string;
  /** The code was shown in a group. */
  burnt: string;
  guestsCannot: string;
  onlyOwners: string;
  isLetIn(who: string, before: boolean): string;
  isRejected(who: string, before: boolean): string;
  noSuchRequest: string;
  requestExpired: string;
  alreadyRejected: string;
}
