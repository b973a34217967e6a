// The page at `/` until an application brings its own: what this member says of itself and of its cluster, as plain HTML
// without scripts or anything from elsewhere. Readable on a phone, in light and dark.
import { tabWarnings } from '@raftkv/wire';
import type { NodeStatus } from '@raftkv/wire';

export const statusPageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
  'x-content-type-options': 'nosniff',
} as const;

/** The whole document. Everything that is shown is escaped. */
export function renderStatusPage(status: NodeStatus): string {
  const title = `raftkv: ${escapeHtml(status.name)}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${styles}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p>${summary(status)}</p>
${definitions(status)}
<h2>Members</h2>
${members(status)}
${warnings(status)}
<nav aria-label="More about this member">
<ul>
<li><a href="/health">Health</a></li>
<li><a href="/metrics">Metrics</a></li>
<li><a href="/readyz">Readiness</a></li>
<li><a href="/version">Version of the etcd gateway</a></li>
</ul>
</nav>
<p>Documentation comes with the package: see the README of <code>raftkv</code>. This page shows one moment; reload it for the next.</p>
</main>
</body>
</html>
`;
}

function summary(status: NodeStatus): string {
  if (status.phase !== 'running') return `This member is <strong>${escapeHtml(status.phase)}</strong>.`;
  const leader = status.leader === undefined ? 'no leader is known' : `the leader is at ${escapeHtml(status.leader)}`;
  return `This member is a <strong>${escapeHtml(roleNames[status.role])}</strong>; ${leader}.`;
}

const roleNames: Readonly<Record<NodeStatus['role'], string>> = {
  follower: 'follower',
  preCandidate: 'candidate (before its vote)',
  candidate: 'candidate',
  leader: 'leader',
};

function definitions(status: NodeStatus): string {
  const facts: readonly (readonly [string, string | number])[] = [
    ['Cluster', status.clusterId],
    ['Member', status.memberId],
    ['Version', status.version],
    ['Term', status.term],
    ['Committed index', status.commitIndex],
    ['Applied index', status.appliedIndex],
    ['Revision', status.revision],
    ['Keys', status.keys],
    ['Data', `${status.dataBytes} bytes`],
    ['Writes synced to disk', status.syncWrites ? 'yes' : 'no: a power cut can lose acknowledged writes'],
    ['Up for', `${Math.floor(status.uptimeSeconds)} s`],
  ];
  const rows = facts.map(([name, value]) => `<div><dt>${name}</dt><dd>${escapeHtml(String(value))}</dd></div>`);
  return `<dl>\n${rows.join('\n')}\n</dl>`;
}

function members(status: NodeStatus): string {
  const rows = status.members.map((member) => {
    const part = member.id === status.leaderId ? 'leader' : member.isLearner ? 'learner' : 'voter';
    const role = member.kind === 'tab' ? `${part} in a tab` : part;
    const way = member.link?.path === 'relayed' ? 'reachable through a relay' : 'reachable';
    const reach = member.id === status.memberId ? 'this member' : member.isReachable ? way : 'not reachable';
    return `<tr><th scope="row">${escapeHtml(member.name)}</th><td>${escapeHtml(member.address)}</td><td>${role}</td><td>${reach}</td></tr>`;
  });
  return `<div class="wide" role="region" aria-label="Members" tabindex="0"><table>
<thead><tr><th scope="col">Name</th><th scope="col">Address</th><th scope="col">Role</th><th scope="col">From here</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table></div>`;
}

function warnings(status: NodeStatus): string {
  return tabWarnings(status.members)
    .map((warning) => `<p>${escapeHtml(warning)}.</p>`)
    .join('\n');
}

const styles = `
:root { color-scheme: light dark; --text: #1b1b1f; --quiet: #55555e; --line: #c9c9d1; --page: #fff; --link: #0b57d0 }
@media (prefers-color-scheme: dark) { :root { --text: #ececf1; --quiet: #a9a9b5; --line: #45454f; --page: #16161a; --link: #8ab4f8 } }
body { margin: 0; font: 1rem/1.5 system-ui, sans-serif; color: var(--text); background: var(--page) }
main { max-width: 44rem; margin: 0 auto; padding: 1.5rem 1rem }
h1 { font-size: 1.5rem; overflow-wrap: anywhere }
h2 { font-size: 1.125rem; margin-top: 2rem }
a { color: var(--link) }
dl div { display: flex; flex-wrap: wrap; gap: 0 1rem; padding: .25rem 0; border-bottom: 1px solid var(--line) }
dt { flex: 0 0 11rem; color: var(--quiet) }
dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line); font-weight: inherit; white-space: nowrap }
thead th { color: var(--quiet) }
nav ul { display: flex; flex-wrap: wrap; gap: .5rem 1.25rem; padding: 0; list-style: none; margin-top: 2rem }
nav a { display: inline-block; padding: .5rem 0 }
`;

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (unit) => `&#${unit.charCodeAt(0)};`);
}
