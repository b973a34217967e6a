// Whether a page may give something away: what it should not do while nobody looks at it, or while each byte costs.

/** What browsers tell of a connection, some of them. */
interface ConnectionNews {
  readonly saveData?: boolean;
  readonly type?: string;
  readonly effectiveType?: string;
}

/** Somebody looks at the page, and its way out is neither narrow nor paid for by the byte, as far as the browser says. */
export function isAtEase(): boolean {
  const { document, navigator } = globalThis as Partial<typeof globalThis>;
  const { connection } = (navigator ?? {}) as { readonly connection?: ConnectionNews };
  const isCostly = connection?.saveData === true || connection?.type === 'cellular';
  return (document?.visibilityState ?? 'visible') === 'visible' && !isCostly && !isNarrow(connection);
}

function isNarrow(connection: ConnectionNews | undefined): boolean {
  return ['slow-2g', '2g', '3g'].includes(connection?.effectiveType ?? '');
}
