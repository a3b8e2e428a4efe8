import type { Check, Facts, Finding } from './facts.ts';

/** At most one finding an account, for enabled accounts only. */
export const perAccount =
  <A extends { enabled: boolean }>(accountsOf: (facts: Facts) => readonly A[]) =>
  (judge: (account: A, facts: Facts) => Finding | null): Check =>
  (facts) =>
    accountsOf(facts)
      .filter(({ enabled }) => enabled)
      .flatMap((account) => judge(account, facts) ?? []);
