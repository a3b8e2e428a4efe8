/** What somebody newly wrote, without the history that mail programs put below it. When in doubt it is kept. */

const maxAttributionLines = 3;

/** "On … wrote:", in the languages of common mail programs. */
const attribution =
  /(wrote|writes|schrieb|geschrieben|a écrit|escribió|ha scritto|schreef|napisał\(a\)|napisał|skrev|escreveu|kirjoitti|пишет|написал\(а\)|написал|yazdı|写道|のメール)[^\n]{0,120}[:：]$/i;
/** "-----Original Message-----". */
const original =
  /^-{2,}\s*(original message|original appointment|ursprüngliche nachricht|originalnachricht|message d'origine|mensaje original|messaggio originale|oorspronkelijk bericht|mensagem original)\s*-{2,}$/i;
/** The first line of the header block that Outlook puts above what it quotes, and what follows within it. */
const blockFrom = /^\*?(from|von|de|da|van|från|fra|od|от)\s*:\*?\s+\S/i;
const blockSent =
  /^\*?(sent|date|gesendet|datum|envoyé|enviado|inviato|verzonden|skickat|sendt|wysłano|отправлено)\s*:/i;

export function newWords(text: string): string {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  let end = lines.findIndex((line, at) => original.test(line.trim()) || isQuotedBlock(lines, at));
  if (end === -1) end = lines.length;
  const signature = lines.slice(0, end).lastIndexOf('-- ');
  const kept = withoutQuote(lines.slice(0, end));
  const cut = signature === -1 ? kept : kept.slice(0, signature);
  const words = withoutQuote(cut).join('\n').trim();
  return words === '' ? text.trim() : words;
}

function isQuotedBlock(lines: readonly string[], at: number): boolean {
  const line = lines[at] ?? '';
  if (/^_{10,}$/.test(line.trim())) return lines.slice(at + 1, at + 4).some((next) => blockFrom.test(next));
  return blockFrom.test(line) && lines.slice(at + 1, at + 4).some((next) => blockSent.test(next));
}

/** Without the quotation at the end and the line that announces it; quotations between answers stay. */
function withoutQuote(lines: readonly string[]): readonly string[] {
  const blank = (at: number): boolean => lines[at]?.trim() === '';
  let end = lines.length;
  while (end > 0 && (blank(end - 1) || lines[end - 1]?.startsWith('>'))) end--;
  const quoted = lines.slice(end).some((line) => line.startsWith('>'));
  if (!quoted) return announced(lines, end) ?? lines;
  return announced(lines, end) ?? lines.slice(0, end);
}

/** The lines before an attribution that ends at `end`; it may be broken over several. Null when there is none. */
function announced(lines: readonly string[], end: number): readonly string[] | null {
  for (let count = 1; count <= maxAttributionLines && count <= end; count++) {
    const from = end - count;
    if (lines[from]?.trim() === '') return null;
    const joined = lines
      .slice(from, end)
      .map((line) => line.trim())
      .join(' ');
    // A sentence that ends in "he wrote:" has neither a date nor an address.
    if (attribution.test(joined) && /\d|@/.test(joined) && joined.length <= 400 && beginsAnew(lines, from)) {
      return lines.slice(0, from);
    }
  }
  return null;
}

const beginsAnew = (lines: readonly string[], at: number): boolean => at === 0 || lines[at - 1]?.trim() === '';
