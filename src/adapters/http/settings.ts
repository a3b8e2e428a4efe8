/** What the server is told by the configuration, already parsed: plain data, replaced as a whole on reload. */
export interface HttpServerOptions {
  /** Address to listen on; host and port and TLS take effect at start only. */
  host: string;
  /** 0 takes any free port; `url()` says which. */
  port: number;
  /** PEM contents, not paths; null serves plain http. */
  tls: { cert: string; key: string } | null;
  /** Host names besides localhost, 127.0.0.1 and [::1]; without port. */
  allowedHosts: readonly string[];
  /** Web origins such as `https://chat.example.com` that browsers may call from. */
  allowedOrigins: readonly string[];
  /** Addresses and CIDR ranges; when empty, everybody may connect. */
  allowedIps: readonly string[];
  /** Addresses and CIDR ranges of reverse proxies whose `X-Forwarded-For` is believed. */
  trustedProxies: readonly string[];
  maxBodyBytes: number;
  limits: HttpLimits;
  metrics: { enabled: boolean; public: boolean };
}

export interface HttpLimits {
  /** Per principal, with a burst of the same size. */
  requestsPerSecond: number;
  /** Open sockets, WebSockets included. */
  connections: number;
  /** Of those, from one address. */
  connectionsPerIp: number;
  /** WebSockets that have not authenticated yet. */
  pendingAuth: number;
}

/** The defaults of the public contract, for tests and for callers without a configuration. */
export const defaultHttpServerOptions: HttpServerOptions = {
  host: '127.0.0.1',
  port: 18_789,
  tls: null,
  allowedHosts: [],
  allowedOrigins: [],
  allowedIps: [],
  trustedProxies: [],
  maxBodyBytes: 256_000,
  limits: { requestsPerSecond: 500, connections: 2000, connectionsPerIp: 1500, pendingAuth: 64 },
  metrics: { enabled: true, public: false },
};

/** Clocks of the server. Constants of the product; tests shorten them. */
export interface HttpTimings {
  /** Until all request headers are there. */
  headersMs: number;
  /** Until a JSON body is there. */
  bodyMs: number;
  /** Silence within the body of an upload. */
  uploadIdleMs: number;
  keepAliveMs: number;
  /** Comments on quiet event streams. */
  heartbeatMs: number;
  /** Until a WebSocket has authenticated. */
  authMs: number;
  /** Between protocol pings; a socket that misses one is dropped. */
  pingMs: number;
  /** Until a request to a hook has found a place. */
  hookPlaceMs: number;
}

export const defaultHttpTimings: HttpTimings = {
  headersMs: 8000,
  bodyMs: 8000,
  uploadIdleMs: 10_000,
  keepAliveMs: 30_000,
  heartbeatMs: 15_000,
  authMs: 5000,
  pingMs: 30_000,
  hookPlaceMs: 2000,
};
