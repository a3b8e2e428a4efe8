import type { ProviderErrorKind } from '../../core/ports/provider.ts';

/** What a dialect found wrong; where in the stream it happened and what that means for a retry, stream.ts adds. */
export interface Fault {
  kind: ProviderErrorKind;
  message: string;
  /** The provider's own code or type, verbatim. */
  code?: string;
}

/** A fault on its way out of a decoder. */
export class FaultError extends Error {
  override readonly name = 'FaultError';
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(fault.message);
    this.fault = fault;
  }
}

export const badResponse = (message: string): FaultError => new FaultError({ kind: 'bad_response', message });
