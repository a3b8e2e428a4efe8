/** Discord's ids: https://discord.com/developers/docs/reference#snowflakes */

/** 2015-01-01 in milliseconds. */
const epochMs = 1_420_070_400_000;

export const isSnowflake = (value: unknown): value is string => typeof value === 'string' && /^\d{1,20}$/.test(value);

/** Ids grow with time, and numbers of 64 bits do not fit into JavaScript's. */
export const isLater = (a: string, b: string): boolean => (a.length === b.length ? a > b : a.length > b.length);

/** Milliseconds since the epoch at which the id was made. */
export const timeOfSnowflake = (id: string): number => Number(BigInt(id) >> 22n) + epochMs;

/** The earliest id of a time; any time of before Discord gives 0. */
export const snowflakeAt = (ms: number): string => String(BigInt(Math.max(0, Math.floor(ms) - epochMs)) << 22n);
