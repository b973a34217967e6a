// Light, dark, or as the system has it; kept for the next visit where the browser allows. `public/theme.js` applies it before the first paint.
import { Observable } from './model/observable.ts';

export type Theme = 'system' | 'light' | 'dark';
const storageKey = 'raftkv.theme';

export const theme = new Observable<Theme>(
  (document.documentElement.dataset['theme'] as Theme | undefined) ?? 'system',
);

export function chooseTheme(chosen: Theme): void {
  const { dataset } = document.documentElement;
  if (chosen === 'system') delete dataset['theme'];
  else dataset['theme'] = chosen;
  try {
    if (chosen === 'system') localStorage.removeItem(storageKey);
    else localStorage.setItem(storageKey, chosen);
  } catch {
    // Blocked: it holds for this visit.
  }
  theme.set(chosen);
}
