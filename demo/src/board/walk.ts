// The arrows go from card to card on the board; what they do to a card is the card's.
import type { KeyboardEvent } from 'react';

export function walk(event: KeyboardEvent<HTMLElement>): void {
  const card = (event.target as HTMLElement).closest<HTMLElement>('.card');
  if (card !== event.target || card === null || event.altKey) return;
  const lane = card.closest('.lane')!;
  const cardsOf = (of: Element | null): HTMLElement[] => [...(of?.querySelectorAll<HTMLElement>('li.card') ?? [])];
  const cards = cardsOf(lane);
  const at = cards.indexOf(card);
  const besides = (toward: 'previousElementSibling' | 'nextElementSibling'): HTMLElement | undefined => {
    for (let next = lane[toward]; next !== null; next = next[toward]) {
      const there = cardsOf(next);
      if (there.length > 0) return there[Math.min(at, there.length - 1)];
    }
    return undefined;
  };
  const target =
    event.key === 'ArrowDown'
      ? cards[at + 1]
      : event.key === 'ArrowUp'
        ? cards[at - 1]
        : event.key === 'ArrowLeft'
          ? besides('previousElementSibling')
          : event.key === 'ArrowRight'
            ? besides('nextElementSibling')
            : undefined;
  if (target === undefined) return;
  event.preventDefault();
  target.focus();
}
