// Whole replies of the HTTP server.
import type { ServerResponse } from 'node:http';

export function sendJson(response: ServerResponse, httpStatus: number, body: string): void {
  send(response, httpStatus, 'application/json', body);
}

/** Sends one body and ends the response; on a connection that is gone it does nothing. */
export function send(response: ServerResponse, httpStatus: number, contentType: string, body: string): void {
  if (response.destroyed || response.headersSent) return;
  response.writeHead(httpStatus, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
}

/** The form of every error that is not the gateway's: etcd's, so that one reader does for all. */
export function sendError(response: ServerResponse, httpStatus: number, code: number, message: string): void {
  const text = JSON.stringify(message);
  sendJson(response, httpStatus, `{"error":${text},"message":${text},"code":${code}}`);
}
