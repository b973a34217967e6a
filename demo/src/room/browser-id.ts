// One name for this browser profile, kept for as long as its storage: whose clocks can be compared, and what fails together.

const storageKey = 'raftkv.browser';

export function browserId(): string {
  try {
    const kept = localStorage.getItem(storageKey);
    if (kept !== null) return kept;
    const drawn = crypto.randomUUID();
    localStorage.setItem(storageKey, drawn);
    return drawn;
  } catch {
    return crypto.randomUUID();
  }
}
