// The browser of the cities: prefix search over all of them while typing, from the copy in this tab. The rows are a live query, so a city that
// somebody changes, or one that is being imported, shows up by itself.
import { useDeferredValue, useRef, useState } from 'react';
import type { KeyboardEvent, ReactElement } from 'react';
import type { LiveEntry } from 'raftkv';
import { useKv, useLive, useScan, useStatus } from '@raftkv/react';
import { usePage } from '../context.ts';
import type { DatasetState } from '../dev-api.ts';
import { formatCount, formatMilliseconds } from '../model/format.ts';
import { Icon } from '../parts/icon.tsx';
import { CityDetails, nameCountry } from './city-details.tsx';
import { isCity, rangeOf } from './city-model.ts';
import type { City } from './city-model.ts';
import { useCount } from './use-count.ts';
import type { Found } from './use-count.ts';
import { usePlaces } from './use-places.ts';
import { WorldMap } from './world-map.tsx';

const rowsAtOnce = 100;
type CityRow = LiveEntry<City>;

export function Cities(): ReactElement {
  const isOpening = useStatus((status) => status.replicaId === '');
  return (
    <section className="cities" aria-labelledby="cities-title">
      <div className="intro">
        <h2 id="cities-title">Cities</h2>
        <p>
          Every town of GeoNames with 1,000 inhabitants or more. The search runs over the copy in this tab, at each
          letter.
        </p>
      </div>
      {isOpening ? <div className="finder ghost" aria-busy="true" /> : <Finder />}
    </section>
  );
}

function Finder(): ReactElement {
  const kv = useKv();
  const [typed, setTyped] = useState('');
  const [limit, setLimit] = useState(rowsAtOnce);
  const [chosenKey, setChosenKey] = useState<string>();
  const range = rangeOf(typed);
  const { data = [], status } = useScan(range, { limit });
  const rows = data.filter((row): row is CityRow => isCity(row.value));
  const found = useCount(kv, range.prefix);
  const keys = useStatus((each) => each.keys);
  const places = usePlaces(kv, keys);
  const chosen = rows.find((row) => row.key === chosenKey);
  const list = useRef<HTMLUListElement>(null);

  const choose = (row: CityRow | undefined): void => {
    if (row === undefined) return;
    setChosenKey(row.key);
    list.current?.querySelector(`[id="${CSS.escape(idOf(row.key))}"]`)?.scrollIntoView({ block: 'nearest' });
  };
  const press = (event: KeyboardEvent): void => {
    const at = rows.findIndex((row) => row.key === chosenKey);
    const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 };
    const step = steps[event.key];
    if (event.key === 'Escape') setTyped('');
    else if (step !== undefined) choose(rows[Math.max(0, Math.min(rows.length - 1, at + step))]);
    else return;
    event.preventDefault();
  };
  return (
    <div className="finder">
      <div className="search">
        <Icon name="search" />
        <input
          type="search"
          role="combobox"
          aria-expanded="true"
          aria-controls="found"
          aria-autocomplete="list"
          aria-activedescendant={chosen === undefined ? undefined : idOf(chosen.key)}
          aria-label="Beginning of a city’s name"
          placeholder="Begin a name: san, reyk, mün …"
          autoComplete="off"
          spellCheck={false}
          name="city"
          value={typed}
          onChange={(event) => {
            setTyped(event.target.value);
            setLimit(rowsAtOnce);
          }}
          onKeyDown={press}
        />
      </div>
      <p className="found-line" role="status">
        {describeFound(typed, found, status)}
      </p>
      <ImportBar />
      <WorldMap
        places={places}
        prefix={useDeferredValue(typed === '' ? undefined : range.prefix)}
        chosen={chosen?.value}
      />
      <div className="found">
        <div className="list">
          <ul id="found" role="listbox" aria-label="Cities found" ref={list}>
            {rows.map((row) => (
              <li
                key={row.key}
                id={idOf(row.key)}
                role="option"
                aria-selected={row.key === chosenKey}
                onClick={() => setChosenKey(row.key)}
              >
                <span className="clip">{row.value.name}</span>
                <span className="quiet clip">{nameCountry(row.value.country)}</span>
                <span className="number">{formatCount(row.value.population)}</span>
              </li>
            ))}
          </ul>
          {rows.length === 0 && <NothingFound typed={typed} isPending={status === 'pending'} />}
          {rows.length > 0 && found !== undefined && found.count > limit && (
            <p className="more">
              <button type="button" onClick={() => setLimit(limit + rowsAtOnce)}>
                Show {formatCount(Math.min(rowsAtOnce, found.count - limit))} more of {formatCount(found.count - limit)}
              </button>
            </p>
          )}
        </div>
        <CityDetails row={chosen} />
      </div>
    </div>
  );
}

function describeFound(typed: string, found: Found | undefined, status: string): string {
  if (found === undefined || status === 'pending') return 'The first copy is on its way …';
  const what = `${formatCount(found.count)} ${found.count === 1 ? 'city' : 'cities'}`;
  const where = typed.trim() === '' ? 'in this tab' : `begin with “${typed.trim()}”`;
  return `${what} ${found.count === 1 ? where.replace(/^begin/, 'begins') : where}, counted in ${formatMilliseconds(found.milliseconds)}`;
}

function NothingFound({ typed, isPending }: { readonly typed: string; readonly isPending: boolean }): ReactElement {
  const text = isPending
    ? 'Waiting for the copy …'
    : typed.trim() === ''
      ? 'There are no cities in the store.'
      : `No city begins with “${typed.trim()}”.`;
  return <p className="hollow">{text}</p>;
}

/** Always there, so that nothing moves when an import begins or ends. */
function ImportBar(): ReactElement {
  const { watch, dev } = usePage();
  const dataset = useLive(watch.dataset);
  const share = dataset === undefined || dataset.total === 0 ? 0 : dataset.done / dataset.total;
  const isBusy = dataset?.phase === 'running' || dataset?.phase === 'waiting';
  return (
    <div className="import">
      <progress max={1} value={isBusy ? share : 0} aria-label="Import of the cities" hidden={!isBusy} />
      <p>
        {dataset === undefined ? '' : describeImport(dataset)}
        {dev !== undefined && (dataset?.phase === 'idle' || dataset?.phase === 'failed') && (
          <button
            type="button"
            className="link"
            onClick={() => {
              void dev.importCities().then(
                () => watch.lookSoon(),
                (error: Error) => watch.note({ tone: 'bad', text: error.message }),
              );
            }}
          >
            Put them into the store
          </button>
        )}
      </p>
    </div>
  );
}

function describeImport({ phase, done, total, error }: DatasetState): string {
  switch (phase) {
    case 'running':
      return total === 0
        ? 'Looking whether the cities are there …'
        : `Going into the cluster: ${formatCount(done)} of ${formatCount(total)}`;
    case 'waiting':
      return `The import waits for the cluster (${error ?? 'it takes no writes'}) and goes on by itself`;
    case 'unavailable':
      return 'The data set is not installed here';
    case 'idle':
      return 'The cities are not in the store. ';
    case 'failed':
      return `The import failed: ${error ?? 'no reason was given'}. `;
    case 'done':
      return '';
  }
}

function idOf(key: string): string {
  return `option-${key}`;
}
