/**
 * Throws the catalogue of hostile inputs at a gateway and prints `N passed, N failed`; exit 1 when one failed.
 *
 *   npm run hostile                 all cases against the built daemon
 *   npm run hostile -- W-13 H-25    only these
 *   npm run hostile -- --bare       against what Node and ws do by themselves: at least eight must fail there
 */
import { hostileCases, runHostile } from '../tests/hostile/run.ts';
import { startBare, startBuilt } from '../tests/hostile/targets.ts';

/** The cases bite only if a server without our door fails this many of them. */
const mustFailBare = 8;

const asked = process.argv.slice(2);
const bare = asked.includes('--bare');
const ids = asked.filter((word) => !word.startsWith('--'));
const cases = hostileCases.filter(({ id }) => ids.length === 0 || ids.includes(id));
if (cases.length === 0) {
  console.error(`No case is called ${ids.join(', ')}; there are ${hostileCases.map(({ id }) => id).join(' ')}.`);
  process.exit(2);
}

const target = bare ? await startBare() : await startBuilt();
const results = await runHostile(target, cases, ({ id, title, failure }) => {
  console.log(
    `${failure === null ? 'ok  ' : 'FAIL'} ${id.padEnd(6)} ${title}${failure === null ? '' : `: ${failure}`}`,
  );
});
await target.stop();

const failed = results.filter(({ failure }) => failure !== null).length;
console.log(`${results.length - failed} passed, ${failed} failed${bare ? ' (a bare Node server)' : ''}`);
process.exitCode = bare ? (failed >= mustFailBare ? 0 : 1) : failed === 0 ? 0 : 1;
