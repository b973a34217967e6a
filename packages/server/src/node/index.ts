// The front door of the server on Node.
export { createHttpServer, createMonitoringServer, listen } from './http.ts';
export { defaultHttpLimits } from './http-limits.ts';
export { isAllowedOrigin } from './origin.ts';
export { startProcessMetrics } from './process-metrics.ts';
export type { HttpServer, HttpServerOptions, MonitoringServerOptions } from './http.ts';
export type { HttpLimits } from './http-limits.ts';
export type { HealthOptions } from './health.ts';
export type { ProcessMetricsOptions } from './process-metrics.ts';
export type { PageHook } from './routes.ts';
