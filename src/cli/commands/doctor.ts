import type { Handler } from '../command.ts';
export const doctor: Handler = async () => 0;
