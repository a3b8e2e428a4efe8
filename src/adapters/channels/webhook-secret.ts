/** The form of a Standard Webhooks secret; apart from what signs with it, as the configuration needs only this. */

export const webhookKeyPrefix = 'whsec_';
/** The specification asks senders for 24 to 64 bytes; fewer than these could be guessed. */
const minKeyBytes = 16;
const maxKeyBytes = 256;

/** Why a text cannot be a `whsec_` secret, in words that follow it; null when it can. */
export function webhookSecretProblem(text: string): string | null {
  if (!text.startsWith(webhookKeyPrefix)) return `it does not begin with "${webhookKeyPrefix}"`;
  const base64 = text.slice(webhookKeyPrefix.length);
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64) || base64.length % 4 !== 0) {
    return `what follows "${webhookKeyPrefix}" is not base64 (with its padding)`;
  }
  const bytes = (base64.replace(/=+$/, '').length * 3) >> 2;
  if (bytes < minKeyBytes) return `its key has ${bytes} bytes and needs at least ${minKeyBytes}; 32 are usual`;
  return bytes > maxKeyBytes ? `its key has ${bytes} bytes, more than ${maxKeyBytes}` : null;
}
