/** Keeps secrets out of everything that is read by people: log lines, error texts, traces. */

const mask = '[secret]';

/** A value shorter than this would be found inside ordinary words. */
const minSecretLength = 6;
/** Far more than any configuration holds; the oldest leaves when a reload goes past it. */
const maxSecrets = 512;

/** The one register of the process, in every spelling a value may appear in. */
const values = new Set<string>();
/** The same, so that a value which begins with another is masked as a whole. */
let longestFirst: readonly string[] = [];

/** From now on this value is masked wherever it appears. */
export function registerSecret(value: string): void {
  if (value.length < minSecretLength) return;
  for (const spelling of [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)]) {
    values.delete(spelling);
    values.add(spelling);
  }
  while (values.size > maxSecrets) {
    const [oldest = ''] = values;
    values.delete(oldest);
  }
  longestFirst = [...values].sort((a, b) => b.length - a.length);
}

/** Every value that must not leave, in the spellings it may appear in, longest first; another list after a change. */
export const knownSecrets = (): readonly string[] => longestFirst;

/** One look that most texts end with: without any of these no pattern can match. */
const hint =
  /[spr]k[-_]|oc_|xox|xapp|whsec|gh[pos]_|github_pat|glpat|gsk_|hf_|xai-|AIza|AKIA|eyJ|\d:|bot\d|:\/\/|[?&]|bearer|basic|key|pass|secret|token|authorization|cookie|credential/i;

const secretName =
  /(?:^|[^a-z])(?:token|secret|password|passwd|passphrase|authorization|cookie|credentials?)$|(?:api|private|signing|access)[-_]?key$/i;

/** True for names whose value is a secret: `bot_token`, `x-api-key`, `Authorization`; not for `prompt_tokens`. */
export const isSecretName = (name: string): boolean =>
  hint.test(name) && secretName.test(name.replaceAll(/([a-z])([A-Z])/g, '$1_$2'));

/** What secrets look like when nobody registered them. Each keeps what helps to recognise it, and is linear to match. */
const patterns: readonly (readonly [RegExp, string])[] = [
  [/\b(oc_)[A-Za-z0-9_-]{20,}/g, `$1${mask}`], // a token of ours
  [/\b([spr]k[-_])[A-Za-z0-9_-]{12,}/g, `$1${mask}`],
  [/\b(github_pat_|glpat-|gsk_|hf_|xai-|AIza|AKIA)[A-Za-z0-9_-]{12,}/g, `$1${mask}`],
  [/\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, mask], // a JSON Web Token
  [/\b(xox[a-z]|xapp|whsec|ghp|gho|ghs)([-_])[A-Za-z0-9+/=_-]{10,}/g, `$1$2${mask}`],
  [/\b(bot)?(\d{3,20}):[A-Za-z0-9_-]{20,}/g, `$1$2:${mask}`], // a Telegram token, alone or in a URL
  [/\b(bot\d{1,20}):[A-Za-z0-9_-]+/g, `$1:${mask}`],
  [/\b(Bearer|Basic) +[A-Za-z0-9._~+/=:-]{4,}/gi, `$1 ${mask}`],
  [/(:\/\/)[^\s/@"'\\]{1,256}@/g, `$1${mask}@`],
  [/([?&][A-Za-z0-9_.~%[\]-]{1,64}=)[^&\s"'#\\)]+/g, `$1${mask}`],
  [
    /((?:api[-_]?key|password|passwd|secret|token|authorization|cookie)\\?["']?\s{0,4}[:=]\s{0,4}\\?["']?)[^\s"'\\,;}&[\]]{12,}/gi,
    `$1${mask}`,
  ],
];

/** The text with every registered value, and everything that looks like a secret, replaced by `[secret]`. */
export function redact(text: string): string {
  if (text.length < minSecretLength) return text;
  let clean = text;
  for (const value of longestFirst) if (clean.includes(value)) clean = clean.replaceAll(value, mask);
  if (!hint.test(clean)) return clean;
  for (const [pattern, replacement] of patterns) clean = clean.replace(pattern, replacement);
  return clean;
}

/** What is looked at beyond a cut, so that no secret is cut in two and half of it shown. */
const overlap = 1024;

/** The beginning of a text without secrets, at most `max` characters of it; a longer one ends with an ellipsis. */
export function excerpt(text: string, max: number): string {
  if (text.length <= max) return redact(text);
  const clean = redact(text.slice(0, max + overlap));
  const sure = text.length > max + overlap ? clean.length - overlap : clean.length;
  return `${clean.slice(0, Math.max(0, Math.min(max, sure)))}…`;
}
