import { flag, table, withDefault } from '../../core/fields.ts';

export const metricsOptions = () =>
  table('Figures for Prometheus at `/metrics`.', {
    enabled: withDefault(flag('Whether `/metrics` exists.'), true),
    public: withDefault(flag('Whether it answers without a token.'), false),
  });
