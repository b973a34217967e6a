// Takes out of an answer what differs between any two clusters, as the recorder of the fixtures does.

const masked = new Set(
  'cluster_id member_id raft_term dbSize dbSizeInUse leader raftIndex raftTerm raftAppliedIndex ID'.split(' '),
);

/** The lines of an answer, parsed and masked; a single one by itself. */
export function maskAnswer(text: string): unknown {
  const values = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => mask(JSON.parse(line)));
  return values.length === 1 ? values[0] : values;
}

function mask(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(mask);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, maskField(name, inner)]));
}

function maskField(name: string, value: unknown): unknown {
  if (masked.has(name)) return typeof value === 'string' && /^\d+$/.test(value) ? '#' : value;
  if (name !== 'peerURLs' && name !== 'clientURLs') return mask(value);
  return Array.isArray(value) ? value.map((url) => String(url).replace(/\/\/.*/, '//#')) : value;
}
