// The city that was chosen: what the store has of it, and how long reading it takes from the copy in this tab and through the cluster.
import { useState } from 'react';
import type { ReactElement } from 'react';
import type { LiveEntry } from 'raftkv';
import { useKv } from '@raftkv/react';
import { formatCount, formatMilliseconds } from '../model/format.ts';
import { refusal } from '../model/words.ts';
import { RaftkvError } from 'raftkv';
import { formatPlace } from './city-model.ts';
import type { City } from './city-model.ts';

const countries = new Intl.DisplayNames('en', { type: 'region', fallback: 'code' });

export function CityDetails({ row }: { readonly row: LiveEntry<City> | undefined }): ReactElement {
  if (row === undefined) {
    return (
      <div className="details is-empty">
        <p className="hollow">Choose a city to see what the store has of it.</p>
      </div>
    );
  }
  const { name, country, population, at } = row.value;
  return (
    <article className="details" aria-label={name}>
      <h3>{name}</h3>
      <p className="quiet">{nameCountry(country)}</p>
      <dl className="facts">
        <div>
          <dt>Inhabitants</dt>
          <dd>{formatCount(population)}</dd>
        </div>
        <div>
          <dt>Place</dt>
          <dd>{formatPlace(at)}</dd>
        </div>
        <div>
          <dt>Key</dt>
          <dd>
            <code>{row.key}</code>
          </dd>
        </div>
        <div>
          <dt>Revision</dt>
          <dd>
            {formatCount(row.revision)}{' '}
            <span className="quiet">written {row.version === 1 ? 'once' : `${formatCount(row.version)} times`}</span>
          </dd>
        </div>
      </dl>
      <ReadLevels key={row.key} cityKey={row.key} />
    </article>
  );
}

interface Reading {
  readonly level: 'local' | 'linearizable';
  readonly milliseconds: number;
  readonly problem: string | undefined;
}

const levels = { local: 'From this tab', linearizable: 'Linearizable' } as const;

function ReadLevels({ cityKey }: { readonly cityKey: string }): ReactElement {
  const kv = useKv();
  const [readings, setReadings] = useState<Partial<Record<Reading['level'], Reading>>>({});
  const read = async (level: Reading['level']): Promise<void> => {
    const begun = performance.now();
    let problem: string | undefined;
    try {
      await kv.get(cityKey, { level });
    } catch (error) {
      problem = refusal(RaftkvError.from(error));
    }
    const milliseconds = performance.now() - begun;
    setReadings((before) => ({ ...before, [level]: { level, milliseconds, problem } }));
  };
  return (
    <div className="levels" role="group" aria-label="Read it again">
      {(Object.keys(levels) as Reading['level'][]).map((level) => (
        <button key={level} type="button" onClick={() => void read(level)}>
          {levels[level]}
          <span className="time">{describeReading(readings[level])}</span>
        </button>
      ))}
    </div>
  );
}

function describeReading(reading: Reading | undefined): string {
  if (reading === undefined) return 'read it';
  return reading.problem ?? formatMilliseconds(reading.milliseconds);
}

export function nameCountry(code: string): string {
  try {
    return countries.of(code) ?? code;
  } catch {
    return code;
  }
}
