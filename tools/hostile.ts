/**
 * Throws the catalogue of hostile inputs at a gateway and prints `N passed, N failed`; exit 1 when one failed.
 *
 *   npm run hostile                 all cases against the built daemon; those of channels between strict platforms,
 *                                   those of the web between a public site and a canary
 *   npm run hostile -- W-13 H-25    only these
 *   npm run hostile -- H- W-        only these families: what comes by HTTP and by WebSocket
 *   npm run hostile -- --bare       against what Node and ws do by themselves: at least eight must fail there
 */
import type { Endpoint } from '../tests/support/raw.ts';
import type { HostileCase } from '../tests/hostile/case.ts';
import { Platforms } from '../tests/hostile/platforms.ts';
import { channelCases, hostileCases, runHostile, type CaseResult } from '../tests/hostile/run.ts';
import { webCases } from '../tests/hostile/web-cases.ts';
import { PublicWeb } from '../tests/support/public-web.ts';
import { startBare, startBuilt } from '../tests/hostile/targets.ts';

/** The cases bite only if a server without our door fails this many of them. */
const mustFailBare = 8;

const asked = process.argv.slice(2);
const bare = asked.includes('--bare');
const ids = asked.filter((word) => !word.startsWith('--'));
const isAsked = (id: string): boolean =>
  ids.length === 0 || ids.some((word) => (word.endsWith('-') ? id.startsWith(word) : id === word));
const known = [...hostileCases, ...(bare ? [] : [...channelCases, ...webCases])].map(({ id }) => id);
const results: CaseResult[] = [];

async function throwAt<T extends Endpoint & { stop(): Promise<void> }>(
  cases: readonly HostileCase<T>[],
  start: () => Promise<T>,
): Promise<void> {
  const chosen = cases.filter(({ id }) => isAsked(id));
  if (chosen.length === 0) return;
  const target = await start();
  const report = ({ id, title, failure }: CaseResult): void =>
    console.log(
      `${failure === null ? 'ok  ' : 'FAIL'} ${id.padEnd(6)} ${title}${failure === null ? '' : `: ${failure}`}`,
    );
  results.push(...(await runHostile(target, chosen, report)));
  await target.stop();
}

if (!known.some(isAsked)) {
  console.error(`No case is called ${ids.join(', ')}; there are ${[...new Set(known)].join(' ')}.`);
  process.exit(2);
}
await throwAt(hostileCases, bare ? startBare : startBuilt);
if (!bare) {
  await throwAt(channelCases, () => Platforms.start());
  await throwAt(webCases, () => new PublicWeb().start());
}

const failed = results.filter(({ failure }) => failure !== null).length;
console.log(`${results.length - failed} passed, ${failed} failed${bare ? ' (a bare Node server)' : ''}`);
process.exitCode = bare ? (failed >= mustFailBare ? 0 : 1) : failed === 0 ? 0 : 1;
