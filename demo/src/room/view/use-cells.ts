// How many entries of the logs fit beside each other.
import { useEffect, useState } from 'react';

const narrow = '(max-width: 620px)';

export function useCells(): number {
  const [isNarrow, setIsNarrow] = useState(() => matchMedia(narrow).matches);
  useEffect(() => {
    const query = matchMedia(narrow);
    const look = (): void => setIsNarrow(query.matches);
    query.addEventListener('change', look);
    return () => query.removeEventListener('change', look);
  }, []);
  return isNarrow ? 20 : 40;
}
