/**
 * Builds dist/: `main.cjs` (the command line, light), `store-worker.cjs` (the database thread, never loads main) and
 * one chunk per dynamic import, so that `status` does not pay for the gateway and a gateway not for unused adapters.
 * CommonJS, because an ES import of node:http evaluates getters that load undici; ASCII, because V8 then keeps the
 * source in one byte per character. Everything lies flat in dist/, one level below the root as src/ does, so that
 * `import.meta.dirname` of src/*.ts leads to migrations/ and package.json from both.
 *
 * `--if-stale`: does nothing when dist/ is at least as new as its sources.
 */
import { mkdirSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { type OutputOptions, type Plugin, rolldown } from 'rolldown';

const root = path.resolve(import.meta.dirname, '..');
const dist = path.join(root, 'dist');
const bin = createRequire(import.meta.url)('../bin/open-clanker.cjs') as { isFresh: () => boolean };

const output: OutputOptions = {
  dir: dist,
  format: 'cjs',
  charset: 'ascii',
  entryFileNames: '[name].cjs',
  chunkFileNames: '[name]-[hash].cjs',
  // Names of functions and classes stay, so that a stack trace of a user can be read; private and local ones do not.
  minify: { compress: true, mangle: { toplevel: false, keepNames: true }, codegen: { removeWhitespace: true } },
};

/**
 * What libraries bring along and Node has itself, or we switch off: a dozen megabytes less with a mailbox, 3 with MCP,
 * 5 with holidays.
 */
const charsets = path.join(root, 'src/adapters/channels/email/charsets.ts');
const quiet = path.join(root, 'tools/quiet.cjs');
const alias = {
  'iconv-lite': charsets,
  'encoding-japanese': charsets,
  pino: quiet,
  socks: quiet,
  'moment-timezone': path.join(root, 'src/adapters/calendar/moment.ts'),
  '@modelcontextprotocol/client/_shims': path.join(root, 'tools/no-validator.cjs'),
};

/** The rules of all holidays as a text that is parsed: as an object in the source they take 9 MB more to load. */
const holidays: Plugin = {
  name: 'holidays-as-text',
  load: {
    filter: { id: /date-holidays\/src\/data\.js$/ },
    async handler(id) {
      const { data } = (await import(id)) as { data: object };
      return `export const data = JSON.parse(${JSON.stringify(JSON.stringify(data))});`;
    },
  },
};

async function bundle(name: string, source: string, options: OutputOptions): Promise<string[]> {
  const input = { [name]: path.join(root, source) };
  const build = await rolldown({ input, platform: 'node', cwd: root, resolve: { alias }, plugins: [holidays] });
  try {
    const { output: files } = await build.write({ ...output, ...options });
    return files.map((file) => file.fileName);
  } finally {
    await build.close();
  }
}

async function build(): Promise<void> {
  const startedAt = new Date();
  mkdirSync(dist, { recursive: true });
  const made = [
    ...(await bundle('store-worker', 'src/adapters/store/sqlite/worker.ts', { codeSplitting: false })),
    ...(await bundle('main', 'src/main.ts', {})),
  ];
  for (const name of readdirSync(dist)) {
    if (!made.includes(name)) rmSync(path.join(dist, name), { recursive: true });
  }
  // A source saved while we were building must count as newer than the build.
  utimesSync(path.join(dist, 'main.cjs'), startedAt, startedAt);
}

if (!process.argv.includes('--if-stale') || !bin.isFresh()) await build();
