// The arrow table as data, and the dependency-cruiser rules made from it. Change the table here and in CONTRIBUTING.md
// together; an arrow that is not in it does not exist. Called by imports.test.ts, which also proves that each rule can fail.
import type { IForbiddenRuleType } from 'dependency-cruiser';

interface Room {
  /** Packages that this one may import for values and types. */
  readonly values: readonly string[];
  /** Packages that it may know by their types alone. */
  readonly types: readonly string[];
  /** npm packages that its universal sources may import. */
  readonly npm: readonly string[];
  /** npm packages that only its `src/node/` may import besides. */
  readonly nodeNpm: readonly string[];
  /** npm packages that only its `src/web/` may import besides. */
  readonly webNpm?: readonly string[];
  readonly why: string;
}

export const rooms: Readonly<Record<string, Room>> = {
  raft: {
    values: [],
    types: [],
    npm: [],
    nodeNpm: [],
    why: 'The core decides. It knows nobody, so that the same inputs give the same outputs everywhere and a run can be replayed.',
  },
  kv: {
    values: [],
    types: [],
    npm: ['sorted-btree'],
    nodeNpm: [],
    why: 'The state machine remembers. It must be the same on each member, so nothing but an ordered tree may stand under it.',
  },
  wire: {
    values: ['raft'],
    types: ['kv'],
    npm: ['fflate'],
    nodeNpm: [],
    why: 'Codecs turn values into bytes. They know what the values look like, never who sends, keeps or applies them.',
  },
  storage: {
    values: ['wire'],
    types: ['raft'],
    npm: [],
    nodeNpm: [],
    webNpm: ['idb-keyval'],
    why: 'Storage keeps what it is handed. If it could call the core, durability and decisions would wait for each other.',
  },
  transport: {
    values: ['wire'],
    types: ['raft'],
    npm: [],
    nodeNpm: ['ws', '@roamhq/wrtc'],
    why: 'Transport carries frames. It is swapped for another (WebSocket, WebRTC, memory) without the core noticing.',
  },
  replica: {
    values: ['raft', 'wire'],
    types: ['storage', 'transport'],
    npm: [],
    nodeNpm: [],
    why: 'The loop drives the core against contracts: it is handed a storage, a transport and a state machine and names none of them.',
  },
  client: {
    values: ['wire', 'transport'],
    types: ['kv'],
    npm: [],
    nodeNpm: [],
    why: 'An app that asks must not ship the engine that answers.',
  },
  observer: {
    values: ['client', 'kv', 'wire'],
    types: ['storage', 'transport'],
    npm: [],
    nodeNpm: [],
    why: 'An observer is a client that keeps what it is told. It is small enough for a tab because it knows neither the core nor the engine.',
  },
  react: {
    values: ['client'],
    types: [],
    npm: ['react'],
    nodeNpm: [],
    why: 'A binding is a thin layer over Live: whatever it needs to know of the store, the client’s contract says.',
  },
  vue: {
    values: ['client'],
    types: [],
    npm: ['vue'],
    nodeNpm: [],
    why: 'A binding is a thin layer over Live: whatever it needs to know of the store, the client’s contract says.',
  },
  svelte: {
    values: ['client'],
    types: [],
    npm: [],
    nodeNpm: [],
    why: 'A binding is a thin layer over Live. Svelte’s store contract is a shape, so not even Svelte is imported.',
  },
  server: {
    values: ['raft', 'kv', 'wire', 'storage', 'transport', 'replica'],
    types: [],
    npm: [],
    nodeNpm: [],
    why: 'The server binds the state machine to the replica and answers clients; it is nobody’s client.',
  },
  raftkv: {
    values: ['raft', 'kv', 'wire', 'storage', 'transport', 'replica', 'client', 'observer', 'server'],
    types: [],
    npm: [],
    nodeNpm: ['yaml', 'commander'],
    why: 'The door holds the composition roots and the command line: it may know everybody, and nobody knows it.',
  },
};

/** All rules: those of each room, then those that hold for every room. */
export function allRules(): IForbiddenRuleType[] {
  return [...Object.entries(rooms).flatMap(([name, room]) => roomRules(name, room)), ...houseRules];
}

function roomRules(name: string, room: Room): IForbiddenRuleType[] {
  const others = Object.keys(rooms).filter((other) => other !== name);
  const known = [...room.values, ...room.types];
  const unknown = others.filter((other) => !known.includes(other));
  const rules: IForbiddenRuleType[] = [];
  if (unknown.length > 0) {
    rules.push({
      name: `arrow-${name}`,
      severity: 'error',
      comment: room.why,
      from: { path: sourcesOf([name]) },
      to: { path: sourcesOf(unknown) },
    });
  }
  if (room.types.length > 0) {
    rules.push({
      name: `types-only-${name}`,
      severity: 'error',
      comment: `${name} knows these rooms by their types: a value from them would pull their code and state in. ${room.why}`,
      from: { path: sourcesOf([name]) },
      to: { path: sourcesOf(room.types), dependencyTypesNot: ['type-only'] },
    });
  }
  rules.push(
    npmRule(`npm-${name}`, `^packages/${name}/src/(?!node/|web/)`, room.npm),
    npmRule(`npm-${name}-node`, `^packages/${name}/src/node/`, [...room.npm, ...room.nodeNpm]),
    npmRule(`npm-${name}-web`, `^packages/${name}/src/web/`, [...room.npm, ...(room.webNpm ?? [])]),
  );
  return rules;
}

function npmRule(name: string, from: string, allowed: readonly string[]): IForbiddenRuleType {
  const pathNot = allowed.map((dependency) => `(^|/)node_modules/(@types/)?${dependency}/`);
  return {
    name,
    severity: 'error',
    comment: 'Each dependency is chosen for one room, where it can be weighed, watched and replaced.',
    from: { path: from },
    to: { path: '(^|/)node_modules/', ...(pathNot.length > 0 ? { pathNot } : {}) },
  };
}

function sourcesOf(packages: readonly string[]): string {
  return `^packages/(${packages.join('|')})/src/`;
}

const houseRules: IForbiddenRuleType[] = [
  {
    name: 'cycle',
    severity: 'error',
    comment:
      'Two files that need each other are one file, or hide a third; type-only cycles count, since readers go round in them too.',
    from: {},
    to: { circular: true },
  },
  {
    name: 'relative-reach',
    severity: 'error',
    comment:
      'A neighbour is entered by its door (its exports), in tests as well: what is behind the door may change without notice.',
    from: { path: '^(packages/[^/]+|test)/' },
    to: { path: '^packages/', pathNot: '^$1/', dependencyTypes: ['local'], dependencyTypesNot: ['aliased'] },
  },
  {
    name: 'not-exported',
    severity: 'error',
    comment:
      'A deep import past `exports` works on one machine and fails once packed; so does a name that is not there at all.',
    from: { path: '^packages/[^/]+/src/' },
    to: { couldNotResolve: true },
  },
  {
    name: 'built-file',
    severity: 'error',
    comment: 'Sources never read what the build made of them: the answer would depend on when it was last run.',
    from: { path: '^packages/[^/]+/src/' },
    to: { path: '^packages/[^/]+/dist/' },
  },
  {
    name: 'node-module-outside-node',
    severity: 'error',
    comment: 'Universal sources run in tabs and at the edge, where node:fs and its family do not exist.',
    from: { path: '^packages/[^/]+/src/(?!node/)' },
    to: { dependencyTypes: ['core'] },
  },
  {
    name: 'node-room-outside-node',
    severity: 'error',
    comment: 'What lives in src/node/ needs Node; only src/node/ of this or another package may import it.',
    from: { path: '^packages/[^/]+/src/(?!node/)' },
    to: { path: '^packages/[^/]+/src/node/' },
  },
  {
    name: 'web-room-outside-web',
    severity: 'error',
    comment: 'What lives in src/web/ needs a browser; only src/web/ of this or another package may import it.',
    from: { path: '^packages/[^/]+/src/(?!web/)' },
    to: { path: '^packages/[^/]+/src/web/' },
  },
];
