// The front door of the server for any runtime.
export { askAdmission } from './admission.ts';
export { openHome } from './home.ts';
export { writeRemovalNote } from './home-note.ts';
export { tabAddress, tabWord } from './member-kind.ts';
export { openMember } from './open-member.ts';
export { StandIn } from './stand-in.ts';
export { serveClient } from './client-session.ts';
export type { ClientSession, ClientSessionOptions, ServedNode } from './client-session.ts';
export { PeerRegistry } from './founding.ts';
export { Guests } from './guests.ts';
export { MeshKeeper } from './mesh-keeper.ts';
export { Membership } from './membership.ts';
export { Roster } from './roster.ts';
export { SecondFounding } from './second-founding.ts';
export { clusterIdentity, drawnClusterId } from './identity.ts';
export { LocalKvNode } from './kv-node.ts';
export { KvStateMachine } from './kv-state-machine.ts';

export type { Admission, AdmissionRequest } from './admission.ts';
export type { Home, HomeOptions, HomePlace } from './home.ts';
export type { MemberEvent, MemberOptions } from './member-options.ts';
export type { Member } from './open-member.ts';
export type { GivenVoice } from './stand-in.ts';
export type { ClusterIdentity, FoundingMember } from './identity.ts';
export type { MembershipEvent } from './membership.ts';
export type { Founder } from './roster.ts';
export type { LocalKvNodeOptions } from './kv-node.ts';
export type { KvStateMachineOptions } from './kv-state-machine.ts';
export type { KvNode, ReadOptions, Watcher } from './node-api.ts';

export { Gateway } from './gateway/gateway.ts';
export { counter, createMetrics, gauge, operationNames } from './metrics.ts';
export { addMemberMetrics } from './node-metrics.ts';
export { formatPrometheus, prometheusContentType } from './prometheus.ts';
export type { GatewayOptions, GatewayReply } from './gateway/gateway.ts';
export type { WatchLimits, WatchSink } from './gateway/watch.ts';
export type { MetricFamily, MetricSample, Metrics, OperationName, OperationResult } from './metrics.ts';
export type { MemberSources } from './node-metrics.ts';
