/** Checks of who may talk, the same for every channel. */
import type { Check, Finding } from './facts.ts';

export const nobodyAllowed: Check = ({ accounts }) =>
  accounts
    .filter(({ enabled, access, listed }) => enabled && access === 'allowlist' && listed === 0)
    .map(({ id }): Finding => ({
      code: 'nobody_allowed',
      problem: `Nobody may talk to ${id}: both allow-lists are empty.`,
      fix: 'Write to it: it stays silent, and `open-clanker status` shows the line that lets you in; or set access = "pairing".',
    }));

export const pairingWaits: Check = ({ gateway }) => {
  const waiting = gateway.reach === 'up' ? gateway.status.waiting : 0;
  if (waiting === 0) return null;
  return {
    code: 'pairing_waits',
    problem: `${waiting === 1 ? 'Somebody waits' : `${waiting} people wait`} to be let in.`,
    fix: 'See who with: open-clanker pairing list. Let in whom you know: open-clanker pairing approve CODE',
  };
};
