import { once } from 'node:events';

const maxKeptError = 2000;

/**
 * The JSON lines that a program of ours prints, one at a time; it is stopped when the caller reads no further. Rejects
 * when it did not come to its end.
 */
export async function* readLines<T>(args: readonly string[], signal: AbortSignal): AsyncGenerator<T> {
  const { spawn } = process.getBuiltinModule('node:child_process');
  const child = spawn(process.execPath, [...args], { stdio: ['ignore', 'pipe', 'pipe'], signal });
  const exited = once(child, 'exit');
  exited.catch(() => undefined);
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(0, maxKeptError);
  });
  try {
    let rest = '';
    for await (const text of child.stdout.setEncoding('utf8') as AsyncIterable<string>) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield JSON.parse(line) as T;
    }
    const [code] = (await exited) as [number | null];
    if (code !== 0) throw new Error(`reading the database ended with ${code}: ${complaint}`);
  } finally {
    child.kill();
  }
}
