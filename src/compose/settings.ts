import { readFile } from 'node:fs/promises';
import type { HttpServerOptions } from '../adapters/http/settings.ts';
import type { AgentSettings } from '../app/agent/settings.ts';
import type { AgentOptions, Config } from '../config/schema.ts';
import { ClankerError } from '../core/errors.ts';

/** From configuration keys to the plain options of the parts. */

export function agentSettings(options: AgentOptions, name: string | null): AgentSettings {
  const { limits } = options;
  return {
    name,
    systemPrompt: options.system_prompt,
    historyWindow: options.history_window,
    maxTokens: options.max_tokens ?? null,
    temperature: options.temperature ?? null,
    model: options.model ?? null,
    tools: options.tools,
    record: options.record,
    limits: {
      timeoutMs: limits.run_timeout,
      steps: limits.steps,
      callsPerStep: limits.calls_per_step,
      cost: limits.cost ?? null,
      contextTokens: limits.context_tokens,
    },
  };
}

export async function httpOptions({ server, metrics }: Config): Promise<HttpServerOptions> {
  return {
    host: server.host,
    port: server.port,
    tls: server.tls === undefined ? null : await certified(server.tls),
    allowedHosts: server.allowed_hosts,
    allowedOrigins: server.allowed_origins,
    allowedIps: server.allowed_ips,
    trustedProxies: server.trusted_proxies,
    maxBodyBytes: server.max_body,
    limits: {
      requestsPerSecond: server.limits.requests_per_second,
      connections: server.limits.connections,
      connectionsPerIp: Math.ceil(server.limits.connections * 0.75),
      pendingAuth: server.limits.pending_auth,
    },
    metrics: { enabled: metrics.enabled, public: metrics.public },
  };
}

/** A certificate and its key that can be served; what cannot is found here, before anything listens with it. */
async function certified({ cert_path, key_path }: { cert_path: string; key_path: string }) {
  const pair = { cert: await pem(cert_path), key: await pem(key_path) };
  try {
    process.getBuiltinModule('node:tls').createSecureContext(pair);
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^error:\w+:/, '') : 'unknown';
    throw new ClankerError(
      'config',
      'tls_file',
      `server.tls: ${cert_path} and ${key_path} cannot be served (${reason}); they must be a PEM certificate chain and the private key that belongs to it, without a passphrase.`,
      { cause: error },
    );
  }
  return pair;
}

async function pem(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new ClankerError(
      'config',
      'tls_file',
      `server.tls: ${file} cannot be read; give the paths of a PEM certificate and key.`,
      { cause: error },
    );
  }
}
