/** A world for commands: own directories, own streams, captured output. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable, Writable } from 'node:stream';
import type { GatewayOptions, Host } from '../../src/cli/command.ts';
import { execute } from '../../src/cli/run.ts';
import { ProcessTerminal } from '../../src/cli/terminal.ts';

export interface Ran {
  code: number;
  out: string;
  err: string;
}

export class FakeHost implements Disposable {
  readonly dir = mkdtempSync(path.join(tmpdir(), 'clanker-cli-'));
  readonly data = path.join(this.dir, 'data');
  readonly env: Record<string, string> = { OPEN_CLANKER_DATA: this.data };
  readonly started: GatewayOptions[] = [];

  async run(args: string[], input = '', interactive = false): Promise<Ran> {
    let out = '';
    let err = '';
    const collect = (take: (text: string) => void): Writable =>
      new Writable({
        write(chunk: Buffer, _encoding, done) {
          take(chunk.toString('utf8'));
          done();
        },
      });
    const host: Host = {
      env: this.env,
      cwd: this.dir,
      home: this.dir,
      terminal: new ProcessTerminal(
        () => Readable.from([Buffer.from(input)]),
        collect((text) => (out += text)),
        collect((text) => (err += text)),
        interactive,
      ),
      runGateway: (options) => {
        this.started.push(options);
        return Promise.resolve(0);
      },
      offline: () => import('../../src/compose/backup-parts.ts'),
    };
    const code = await execute(args, host);
    return { code, out, err };
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true });
  }
}
