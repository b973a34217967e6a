// Light, dark, or as the system has it: one button that goes round.
import type { ReactElement } from 'react';
import { useLive } from '@raftkv/react';
import { chooseTheme, theme } from '../theme.ts';
import type { Theme } from '../theme.ts';
import { Icon } from './icon.tsx';
import type { IconName } from './icon.tsx';

const next: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' };
const signs: Readonly<Record<Theme, IconName>> = { system: 'auto', light: 'sun', dark: 'moon' };
const labels: Readonly<Record<Theme, string>> = { system: 'as the system has it', light: 'light', dark: 'dark' };

export function ThemeSwitch(): ReactElement {
  const chosen = useLive(theme);
  const label = `Colours: ${labels[chosen]}`;
  return (
    <button type="button" className="bare" title={label} aria-label={label} onClick={() => chooseTheme(next[chosen])}>
      <Icon name={signs[chosen]} />
    </button>
  );
}
