import { GatewayClient, NoGateway } from './client.ts';
import type { Invocation } from './command.ts';

/** The client of the gateway that runs; null when none does and none was named. */
export async function whileRunning(invocation: Invocation): Promise<GatewayClient | null> {
  const client = await GatewayClient.of(invocation);
  try {
    await client.readiness();
    return client;
  } catch (error) {
    if (error instanceof NoGateway) return null;
    throw error;
  }
}
