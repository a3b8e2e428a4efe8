/** What somebody reads of a WhatsApp message: its markup applied and gone, by the rules of the app's help pages. */
const fence = /```([\s\S]+?)```/;
const joint = '\u200B';

export function readAs(text: string): string {
  const [before = '', code, ...rest] = text.split(fence);
  const head = linesOf(before);
  if (code === undefined) return head;
  return head + code.replace(/^\n|\n$/g, '') + readAs(text.slice(before.length + code.length + 6) || rest.join(''));
}

const linesOf = (text: string): string => text.split('\n').map(lineOf).join('\n');

function lineOf(line: string): string {
  const quoted = line.replace(/^> /, '');
  const listed = quoted.replace(/^[-*] /, '• ');
  // Code first: nothing within it is looked at again.
  return listed
    .split(/(`[^`\n]+`)/)
    .map((piece, n) => (n % 2 === 1 && !piece.includes(`\`${joint}`) ? piece.slice(1, -1) : emphasised(piece)))
    .join('');
}

/** Marks beside a letter or digit outside, or beside white space or a joint inside, are characters. */
function emphasised(text: string): string {
  let shown = text;
  for (const mark of ['*', '_', '~']) {
    const m = mark === '*' ? '\\*' : mark;
    const pair = new RegExp(
      `(?<![\\p{L}\\p{N}])${m}(?![\\s${joint}])([^${m}\\n]*[^\\s${joint}${m}])${m}(?![\\p{L}\\p{N}])`,
      'gu',
    );
    shown = shown.replaceAll(pair, '$1');
  }
  return shown;
}
