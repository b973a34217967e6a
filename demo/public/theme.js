// Runs before anything is painted, so that a page that was switched to dark does not flash white. The switch itself is in `src/theme.ts`.
try {
  const chosen = localStorage.getItem('raftkv.theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
} catch {
  // Storage is blocked: the system's choice holds.
}
