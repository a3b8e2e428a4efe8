/** Addresses as they are compared and allowed: the bare `local@domain` of RFC 5322, in lower case. */

/** RFC 5321, 4.5.3.1.3, less the angle brackets. */
const maxAddress = 254;

/** The plain form of an address, or null for what is none. Quoted local parts and comments are not taken. */
export function plainAddress(text: string): string | null {
  const address = text.trim().toLowerCase();
  if (address.length > maxAddress) return null;
  return /^[^\s@<>()[\]\\,;:"\p{Cc}]+@[^\s@<>()[\]\\,;:"\p{Cc}]+$/u.test(address) ? address : null;
}

/** Why a text cannot be somebody's id on this channel, in words, or null when it can. */
export const addressProblem = (text: string): string | null =>
  plainAddress(text) === null ? 'it is not an e-mail address such as anna@example.org' : null;

export const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1);
